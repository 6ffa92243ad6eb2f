import { answer } from "../files/above.js";
export const upwards = answer;
