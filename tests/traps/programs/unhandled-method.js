//: fails Error: nothing handled it: lost
class Store { #save = async () => { throw new Error("lost"); }; save() { this.#save(); } static async all() {} }
export default () => { new Store().save(); return 1; };
