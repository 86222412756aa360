//: builds-not multiple default exports
export default () => 1;
export { x as default };
const x = () => 2;
