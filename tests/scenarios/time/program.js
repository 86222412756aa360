// A result with an output schema. The day is today's, so only what does not depend on it comes out.
import { convertTime } from "mcp:time";

export default async function (input) {
  const zones = ["Asia/Tokyo", "Asia/Kathmandu", "UTC"];
  const converted = await Promise.all(
    zones.map((target_timezone) => convertTime({ source_timezone: "UTC", time: input.time, target_timezone })),
  );
  return converted.map(({ target, time_difference }) => ({
    zone: target.timezone,
    time: target.datetime.slice(11, 16),
    ahead: time_difference,
  }));
}
