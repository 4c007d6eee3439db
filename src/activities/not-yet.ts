import { DocketError, type FailureType } from "../contract/failures.ts";

/** Nothing failed, something is not there yet: look again after a delay. Uses up no attempts. */
export class NotYet extends DocketError {
  readonly delayMilliseconds: number;

  constructor(type: FailureType, message: string, delayMilliseconds: number) {
    super(type, message);
    this.delayMilliseconds = delayMilliseconds;
  }
}
