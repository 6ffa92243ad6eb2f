/** What V8 writes with `--cpu-prof`, as far as it matters here. Times are microseconds of the monotonic clock. */
export interface CpuProfile {
  readonly startTime: number;
  readonly nodes: readonly ProfileNode[];
  /** The node on top of the stack at each sample. */
  readonly samples: readonly number[];
  /** Since the sample before, the first since `startTime`. */
  readonly timeDeltas: readonly number[];
}

interface ProfileNode {
  readonly id: number;
  readonly callFrame: { readonly functionName: string; readonly url: string };
  readonly children?: readonly number[];
}

export interface Frame {
  readonly name: string;
  /** Where it is written; empty for what is part of Node or V8 themselves. */
  readonly url: string;
}

/** Time that passed with this stack, outermost frame first. */
export interface Stack {
  readonly frames: readonly Frame[];
  readonly micros: number;
}

/** The stacks of the samples between two moments, equal ones added up. Waiting for work is left out. */
export function stacksOf(profile: CpuProfile, span: { readonly fromUs: number; readonly toUs: number }): Stack[] {
  const nodes = new Map(profile.nodes.map((node) => [node.id, node]));
  const parents = new Map(profile.nodes.flatMap(({ id, children = [] }) => children.map((child) => [child, id])));
  const micros = new Map<number, number>();
  let at = profile.startTime;
  profile.samples.forEach((id, index) => {
    const next = profile.timeDeltas[index + 1] ?? 0;
    at += profile.timeDeltas[index] ?? 0;
    if (at >= span.fromUs && at < span.toUs) micros.set(id, (micros.get(id) ?? 0) + next);
  });
  const pathTo = (id: number): Frame[] => {
    const frames: Frame[] = [];
    for (let step: number | undefined = id; step !== undefined; step = parents.get(step)) {
      const frame = nodes.get(step)?.callFrame;
      if (frame !== undefined && frame.functionName !== "(root)") {
        frames.push({ name: frame.functionName || "(anonymous)", url: frame.url });
      }
    }
    return frames.reverse();
  };
  return [...micros]
    .map(([id, sum]) => ({ frames: pathTo(id), micros: sum }))
    .filter(({ frames }) => frames.at(-1)?.name !== "(idle)");
}
