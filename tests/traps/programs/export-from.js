//: builds-not exports only its default function
//: at 3:1
export { x } from "./other.js";
export default () => 1;
