/** What every entry of a log has. */
export interface Common {
  /** Order of the entry among those of all clients, 1, 2, 3 …: one process writes them all. */
  readonly n: number;
  /** Epoch ms, by the clock of the workload, with fractions; never going backwards. */
  readonly at: number;
  readonly client: string;
  /** Number of the client's connection, from 1. */
  readonly conn: number;
}

/** Epoch ms. One origin for all: entries of one process can be compared. */
export const wallClock = (): number => performance.timeOrigin + performance.now();

/** Where clients write what they ask, what comes of it, and what they are told without asking. */
export class EventLog<Ask extends object, Answer extends object, Told extends object> {
  readonly entries: (Common & (Ask | (Answer & { readonly to: Common & Ask }) | Told))[] = [];

  constructor(private readonly clock: () => number = wallClock) {}

  ask(client: string, conn: number, ask: Ask): Common & Ask {
    return this.add({ ...this.common(client, conn), ...ask });
  }

  answer(to: Common & Ask, answer: Answer): Common & Answer & { readonly to: Common & Ask } {
    return this.add({ ...this.common(to.client, to.conn), ...answer, to });
  }

  tell(client: string, conn: number, told: Told): Common & Told {
    return this.add({ ...this.common(client, conn), ...told });
  }

  private add<T extends (typeof this.entries)[number]>(entry: T): T {
    this.entries.push(entry);
    return entry;
  }

  private common(client: string, conn: number): Common {
    return { n: this.entries.length + 1, at: this.clock(), client, conn };
  }
}
