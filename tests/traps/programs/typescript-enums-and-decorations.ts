//: result ["A",1,"b",[1,2]]
enum E { A = 1, B = A << 1 }
enum S { b = "b" }
class P { constructor(public readonly x = E.A, private y?: number) {} declare z: number; }
export default (): unknown => { const p = new P(); return [E[p.x], p.x, S.b, Object.values(E).filter((v): v is E => typeof v === "number")]; };
