// Tests: a gateway process between a scripted provider and an OTLP receiver: the whole outside world of
// everyspan on one machine. One per test file; each call is told apart by its trace id.

import { startOtlpReceiver, type OtlpReceiver } from "../../src/demo/otlp-receiver.ts";
import type { ReceivedSpan } from "../../src/demo/received-span.ts";
import {
  startScriptedProvider,
  type ScriptedProvider,
  type ScriptedProviderOptions,
} from "../../src/demo/scripted-provider.ts";
import { startGatewayProcess, type GatewayProcess } from "./gateway-process.ts";

export interface TracedGateway {
  readonly gateway: GatewayProcess;
  readonly provider: ScriptedProvider;
  readonly receiver: OtlpReceiver;
  /** All spans of a trace, once its root (a SERVER span) has come. */
  readonly trace: (traceId: string, deadlineMs?: number) => Promise<readonly ReceivedSpan[]>;
  /** All spans of the call that any span carrying this `session.id` belongs to. */
  readonly traceOfSession: (
    session: string,
    deadlineMs?: number,
  ) => Promise<readonly ReceivedSpan[]>;
  readonly stop: () => Promise<void>;
}

export interface TracedGatewayOptions {
  readonly provider?: ScriptedProviderOptions;
  /** Laid over the basic configuration, section by section. */
  readonly config?: (provider: ScriptedProvider) => Readonly<Record<string, unknown>>;
  readonly env?: Readonly<Record<string, string>>;
  /** Destinations beside the receiver, which is then sent the conventions alone. */
  readonly destinations?: readonly Readonly<Record<string, unknown>>[];
}

/** The key of `team-a`, where the configuration has keys, and those of the providers. */
export const testKeys = {
  caller: "sk-caller-canary-0001",
  openai: "sk-openai-canary-0002",
  anthropic: "sk-ant-canary-0003",
} as const;

const deadlineDefaultMs = 15_000;

/** Starts all three; stops what it started if one of them fails to. */
export async function startTracedGateway(
  options: TracedGatewayOptions = {},
): Promise<TracedGateway> {
  const provider = startScriptedProvider(options.provider);
  const receiver = startOtlpReceiver();
  const stopServers = (): void => {
    provider.stop();
    receiver.stop();
  };
  let gateway: GatewayProcess;
  try {
    gateway = await startGatewayProcess({
      config: {
        providers: basicProviders(provider),
        tracing: {
          destinations: [
            {
              name: "receiver",
              endpoint: receiver.url,
              ...(options.destinations && { dialect: "genai" }),
            },
            ...(options.destinations ?? []),
          ],
        },
        ...options.config?.(provider),
      },
      ...(options.env === undefined ? {} : { env: options.env }),
    });
  } catch (error) {
    stopServers();
    throw error;
  }
  const trace = async (
    traceId: string,
    deadlineMs = deadlineDefaultMs,
  ): Promise<readonly ReceivedSpan[]> => {
    const ofTrace = (span: ReceivedSpan): boolean => span.traceId === traceId;
    const spans = await receiver.waitForSpans(
      (all) => all.some((span) => ofTrace(span) && span.kind === 2),
      deadlineMs,
    );
    return spans.filter(ofTrace);
  };
  return {
    gateway,
    provider,
    receiver,
    trace,
    async traceOfSession(session, deadlineMs = deadlineDefaultMs) {
      const ofSession = (span: ReceivedSpan): boolean => span.attributes["session.id"] === session;
      const spans = await receiver.waitForSpans((all) => all.some(ofSession), deadlineMs);
      return trace(spans.find(ofSession)?.traceId ?? "", deadlineMs);
    },
    async stop() {
      await gateway.stop();
      stopServers();
    },
  };
}

/** Providers `openai` and `anthropic`, both played by the scripted one, with keys of their own. */
export function basicProviders(provider: ScriptedProvider): Record<string, unknown> {
  return {
    openai: { api: "openai", base_url: `${provider.url}/v1`, api_key: testKeys.openai },
    anthropic: { api: "anthropic", base_url: provider.url, api_key: testKeys.anthropic },
  };
}
