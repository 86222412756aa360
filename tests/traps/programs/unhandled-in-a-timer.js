//: fails Error: lost
export default async () => { setTimeout(async () => { throw new Error("lost"); }, 1); await new Promise((r) => setTimeout(r, 20)); return 1; };
