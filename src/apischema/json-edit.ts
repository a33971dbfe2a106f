// What an edit of a JSON body is: where, and what is to be there. Types only.

export type JsonValue =
  | string
  | number
  | boolean
  | null
  | readonly JsonValue[]
  | { readonly [key: string]: JsonValue };

export type JsonPath = readonly (string | number)[];

/** A path is keys and array indexes of the text as given, before any edit. */
export type JsonEdit =
  | { readonly path: JsonPath; readonly value: JsonValue }
  | { readonly path: JsonPath; readonly remove: true };
