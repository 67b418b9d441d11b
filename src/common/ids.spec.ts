import { ID_LENGTH, Ids } from './ids';

describe('ids', () => {
  it('are 96 random bits as hexadecimal digits, each another', () => {
    const ids = new Ids();
    const made = new Set<string>();
    // More than one batch of random bytes.
    for (let i = 0; i < 5000; i++) {
      const id = ids.id();
      expect(/^[0-9a-f]{24}$/.test(id)).toBe(true);
      made.add(id);
    }
    expect(made.size).toBe(5000);
    expect(ID_LENGTH * 4).toBeGreaterThanOrEqual(96);
  });

  it('use every bit', () => {
    const ids = new Ids();
    const ones = new Array<number>(96).fill(0);
    const count = 4000;
    for (let i = 0; i < count; i++) {
      const bits = BigInt(`0x${ids.id()}`);
      ones.forEach((_, bit) => (ones[bit] = (ones[bit] ?? 0) + Number((bits >> BigInt(bit)) & 1n)));
    }
    // Six standard deviations: less than one false alarm in a million runs.
    const slack = 6 * Math.sqrt(count / 4);
    expect(ones.filter((sum) => Math.abs(sum - count / 2) > slack)).toEqual([]);
  });

  it('of messages carry their time', () => {
    expect(new Ids().messageId(1_893_456_000_123)).toMatch(/^msg_1893456000123_[0-9a-f]{24}$/);
  });

  it('of two makers differ', () => {
    const [one, two] = [new Ids(), new Ids()];
    expect(one.id()).not.toBe(two.id());
  });
});
