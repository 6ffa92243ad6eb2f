import type { Face } from "./face.js";

/** What a node needs to be of use; answers what it can do. Throws a coded error that says what is wrong. */
export type ReadinessCheck = () => Promise<Readiness>;

export interface Readiness {
  /** `as_of`: reads only, from the mirror, because the catalog does not answer. */
  readonly status: "ok" | "as_of";
  /** How far the node's mirror is. */
  readonly mirror: number;
}

/** For supervisors and load balancers: open to everybody, and says little but yes or no. */
export function createHealthFace(isReady: ReadinessCheck): Face {
  return async (scope) => {
    // The process answers: that is all there is to say.
    scope.get("/healthz", { exposeHeadRoute: true }, () => ({ status: "ok" }));
    scope.get("/readyz", { exposeHeadRoute: true }, () => isReady());
  };
}
