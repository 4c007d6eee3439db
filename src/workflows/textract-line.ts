import { ActivityFailure, ApplicationFailure, CancellationScope } from "@temporalio/workflow";

/**
 * The document's place in the line for Textract's job slots. Who waits there asks seldom, because whoever frees a slot
 * calls the first in line. A call that is lost, doubled or false changes nothing but when the document asks.
 */
export class TextractLine {
  #asking: CancellationScope | null = null;

  /** The turn may have come: who waits in line asks now. At any other time of the document's life this does nothing. */
  call(): void {
    this.#asking?.cancel();
  }

  /**
   * Asks until there is an answer, and anew at each call. An attempt that waits for its next try is broken off by the
   * server; one that is asking Textract at the moment of the call comes to its end, and what it answers counts. So no two
   * ask at once, and no answer is lost: the activity's policy has to wait for the end of what is cancelled.
   */
  async turn<T>(ask: () => Promise<T>): Promise<T> {
    const document = CancellationScope.current();
    for (;;) {
      const asking = new CancellationScope();
      this.#asking = asking;
      try {
        // The owner's cancellation waits for no answer.
        return await Promise.race([asking.run(ask), document.cancelRequested]);
      } catch (error) {
        if (!asking.consideredCancelled || document.consideredCancelled || isFinal(error)) throw error;
      } finally {
        this.#asking = null;
      }
    }
  }
}

/** Whatever else an attempt ended with that was cancelled while it ran would have been tried again. */
function isFinal(error: unknown): boolean {
  const cause = error instanceof ActivityFailure ? error.cause : error;
  return cause instanceof ApplicationFailure && cause.nonRetryable === true;
}
