//: result 1
const forever = new Promise(() => {});
(async () => { for (;;) await forever; })();
export default () => 1;
