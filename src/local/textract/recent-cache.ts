/** Keeps what was made last, up to a number of values; makes a value once for all who ask at the same time. */
export interface RecentCache<Value> {
  get(key: string, make: () => Promise<Value>): Promise<Value>;
  delete(key: string): void;
}

export function createRecentCache<Value>(size: number): RecentCache<Value> {
  // A Map keeps the order of insertion: the first key is the one that was used longest ago.
  const values = new Map<string, Promise<Value>>();
  return {
    async get(key, make) {
      const known = values.get(key);
      values.delete(key);
      const value = known ?? make();
      values.set(key, value);
      for (const oldest of values.keys()) {
        if (values.size <= size) break;
        values.delete(oldest);
      }
      try {
        return await value;
      } catch (error) {
        if (values.get(key) === value) values.delete(key);
        throw error;
      }
    },
    delete: (key) => void values.delete(key),
  };
}
