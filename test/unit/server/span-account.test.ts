import { describe, expect, test } from "bun:test";
import type { Account } from "../../../src/protocol/exporter-message.ts";
import { createSpanAccount } from "../../../src/server/span-account.ts";

/** A gateway's figures, which the test moves: what the ledger says, and what this side knows. */
function setUp(ledger: { committed: number; lost: number } | undefined) {
  const figures = {
    ledger,
    ledgerUp: true,
    handedOver: 0,
    unsettled: 0,
    inFlight: 0,
  };
  const account = createSpanAccount(
    {
      account: () =>
        Promise.resolve(
          figures.ledger && ({ ...figures.ledger, destinations: [] } as unknown as Account),
        ),
      handedOverSpans: () => figures.handedOver,
      unsettledSpans: () => figures.unsettled,
      health: () => ({ ledgerUp: figures.ledgerUp, reasons: [] }),
    },
    { spanCount: () => figures.inFlight },
  );
  return { figures, account };
}

describe("the account", () => {
  test("begins with what earlier processes recorded and adds up from then on", async () => {
    const { figures, account } = setUp({ committed: 100, lost: 7 });
    expect((await account()).spans).toEqual({ recorded: 107, committed: 100, open: 0, lost: 7 });
    Object.assign(figures, { handedOver: 30, unsettled: 12, inFlight: 5 });
    figures.ledger = { committed: 115, lost: 10 }; // 15 committed and 3 lost of the 18 settled
    expect((await account()).spans).toEqual({ recorded: 142, committed: 115, open: 17, lost: 10 });
  });

  test("shows spans that went missing between the two sides, in place of making up for them", async () => {
    const { figures, account } = setUp({ committed: 0, lost: 0 });
    await account();
    Object.assign(figures, { handedOver: 10, unsettled: 0 });
    figures.ledger = { committed: 9, lost: 0 };
    const { spans } = await account();
    expect(spans.recorded - spans.committed - spans.open - spans.lost).toBe(1);
  });

  test("learns of earlier processes only from a ledger that is up", async () => {
    const { figures, account } = setUp({ committed: 0, lost: 0 });
    figures.ledgerUp = false;
    Object.assign(figures, { handedOver: 8, unsettled: 5 });
    figures.ledger = { committed: 0, lost: 3 };
    expect((await account()).spans).toEqual({ recorded: 8, committed: 0, open: 5, lost: 3 });
    figures.ledgerUp = true;
    figures.ledger = { committed: 55, lost: 3 }; // 50 of them were there before
    figures.unsettled = 0;
    expect((await account()).spans).toEqual({ recorded: 58, committed: 55, open: 0, lost: 3 });
    figures.ledgerUp = false; // later trouble changes nothing about it
    figures.handedOver = 10;
    figures.unsettled = 2;
    expect((await account()).spans).toEqual({ recorded: 60, committed: 55, open: 2, lost: 3 });
  });

  test("has no ledger's half when the exporter does not answer", async () => {
    const { figures, account } = setUp({ committed: 100, lost: 0 });
    await account();
    figures.ledger = undefined;
    figures.handedOver = 4;
    figures.unsettled = 4;
    const { ledger, spans } = await account();
    expect(ledger).toBeUndefined();
    expect(spans).toMatchObject({ recorded: 104, open: 4 });
  });
});
