//: result {"now":true,"instance":true,"text":"string","utc":86400000,"parsed":1709208000000,"days":60,"sub":true,"iso":"1970-01-01T00:00:00.000Z","clone":true,"nan":true,"name":"Date","same":true,"args":1700000000000,"ctor":true}
class Later extends Date { plus(ms) { return new Later(this.getTime() + ms); } }
export default () => {
  const now = Date.now();
  const a = new Date("2024-02-29T12:00:00Z");
  const b = new Date(2024, 0, 1, 12);
  return {
    now: now > 1.7e12 && Math.abs(new Date().getTime() - now) < 1000, instance: new Date() instanceof Date, text: typeof Date(), utc: Date.UTC(1970, 0, 2),
    parsed: a.getTime(), days: Math.round((new Date(Date.UTC(2024, 2, 1)) - new Date(Date.UTC(2024, 0, 1))) / 864e5),
    sub: new Later(0).plus(5) instanceof Later && new Later().getTime() >= now, iso: new Date(0).toISOString(), clone: structuredClone(a) instanceof Date && structuredClone({ a }).a.getTime() === a.getTime(),
    nan: Number.isNaN(new Date(undefined).getTime()), name: Date.name, same: a.constructor === Date, args: new Date(1700000000000).valueOf(), ctor: new a.constructor(0).getTime() === 0,
  };
};
