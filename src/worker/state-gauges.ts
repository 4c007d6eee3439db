import { Gauge, type Registry } from "prom-client";

/**
 * Makes gauges that come from one reading of a state. While the state cannot be read they are left out of the metrics.
 * @param read gives the state, or null while it cannot be read; called by every gauge, so it should keep its answer
 */
export function stateGauges<State>(registry: Registry, read: () => Promise<State | null>) {
  return <Label extends string>(
    name: string,
    help: string,
    labelNames: Label[],
    tell: (gauge: Gauge<Label>, state: State) => void,
  ): Gauge<Label> =>
    new Gauge({
      name,
      help,
      labelNames,
      registers: [registry],
      async collect() {
        const state = await read();
        this.reset();
        if (state !== null) tell(this, state);
        // A gauge without labels is 0 after a reset, not left out; of one with labels there is nothing to remove.
        else if (labelNames.length === 0) this.remove();
      },
    });
}
