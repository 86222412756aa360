//: limit memory
export default async () => { const all = []; for (;;) all.push(new Promise(() => {}), [1, 2, 3], { a: 1 }); };
