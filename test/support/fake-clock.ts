import { Clock } from '../../src/common/clock';

/** A clock that stands still until it is moved. */
export class FakeClock extends Clock {
  constructor(private time = Date.UTC(2030, 0, 1)) {
    super();
  }

  override now(): number {
    return this.time;
  }

  /** Moves time on by this many milliseconds. */
  advance(ms: number): void {
    this.time += ms;
  }
}
