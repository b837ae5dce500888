// A verb under way: stopped by a signal, heard by a listener, and failing with errors of ours.

import * as native from "../native.js";
import { bad, CancelledError, told } from "./errors.js";
import { parse, turn } from "./json.js";

/** What every verb takes that can go on for long. */
export interface Stoppable {
  /** Stops the verb, which is rejected with a `CancelledError` then; nothing is published. */
  signal?: AbortSignal;
}

/** Events that are handed on before others get a turn. */
const AT_ONCE = 64;

/** Runs a verb of the native module. */
export async function run<T>(
  begin: (call: native.Call | undefined) => Promise<T>,
  options: Stoppable | undefined,
  listener?: Listener,
): Promise<T> {
  const signal = options?.signal;
  if (signal !== undefined && signal !== null && !(signal instanceof AbortSignal)) {
    throw bad("signal is an AbortSignal");
  }
  if (signal?.aborted) throw stopped(signal);
  const call = signal || listener ? new native.Call(listener?.wake) : undefined;
  const stop = () => call!.cancel();
  signal?.addEventListener("abort", stop, { once: true });
  listener?.listen(call!);
  try {
    const answer = await begin(call);
    await listener?.rest();
    return answer;
  } catch (error) {
    await listener?.rest();
    const found = told(error, signal?.aborted ? signal.reason : undefined);
    throw found;
  } finally {
    signal?.removeEventListener("abort", stop);
  }
}

/** What a call fails with whose signal was aborted beforehand. */
function stopped(signal: AbortSignal): CancelledError {
  const problems = [{ code: "cancelled", path: "", message: "cancelled" }];
  return new CancelledError("cancelled", "cancelled: cancelled", problems, { cause: signal.reason });
}

/** Calls a function of the native module that answers at once. */
export function at<T>(ask: () => T): T {
  try {
    return ask();
  } catch (error) {
    throw told(error);
  }
}

/** Hands events on, in order and before the call is settled. */
export class Listener {
  private call: native.Call | undefined;
  private failure: { error: unknown } | undefined;

  constructor(private readonly tell: (event: any) => void) {}

  /** Called by the native module when there is something to fetch. */
  readonly wake = (): void => {
    if (this.some() === AT_ONCE) setImmediate(this.wake);
  };

  listen(call: native.Call): void {
    this.call = call;
  }

  /** Hands on what is left. An error of whoever is told is the call's. */
  async rest(): Promise<void> {
    while (this.some() === AT_ONCE) await turn();
    // The call has `wake`, which has this: nobody would ever let go of the three.
    this.call = undefined;
    if (this.failure) throw this.failure.error;
  }

  private some(): number {
    const events = this.call?.events(AT_ONCE) ?? [];
    for (const event of events) {
      if (this.failure) break;
      try {
        this.tell(parse(event));
      } catch (error) {
        this.failure = { error };
        this.call?.cancel();
      }
    }
    return events.length;
  }
}
