import { Injectable } from '@nestjs/common';
import { Ids } from '../common/ids';
import { Nodes } from './nodes';

/** The only node there is: what its stores hold goes with it, and there is nothing to take over. */
@Injectable()
export class SingleNode extends Nodes {
  override readonly id: string;
  override readonly takeovers = 0;
  override readonly inService = true;
  override readonly count = 1;

  constructor(ids: Ids) {
    super();
    this.id = ids.id();
  }

  override confirm(): void {}

  override onTakeover(): void {}

  override onExpelled(): void {}

  override onReturn(): void {}
}
