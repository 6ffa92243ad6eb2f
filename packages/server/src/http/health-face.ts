import type { Face } from "./face.js";

/** One thing that a node needs to be of use. Throws a coded error that says what is wrong. */
export type ReadinessCheck = () => Promise<void>;

/** For supervisors and load balancers: open to everybody, and says nothing but yes or no. */
export function createHealthFace(isReady: ReadinessCheck): Face {
  return async (scope) => {
    // The process answers: that is all there is to say.
    scope.get("/healthz", { exposeHeadRoute: true }, () => ({ status: "ok" }));
    scope.get("/readyz", { exposeHeadRoute: true }, async () => {
      await isReady();
      return { status: "ok" };
    });
  };
}
