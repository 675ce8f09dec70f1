/** Ports of this bench's processes: two benches on one machine have each their own, with great likelihood. */
const first = 15_000 + (process.pid % 350) * 20;

/** `place`: 0 to 19. The port is below 22,000. */
export function benchPort(place: number): number {
  return first + place;
}
