import { answer } from "../../server/src/files/above.js";
export const sideways = answer;
