/** A real browser without a screen, where the machine has one. */
import { existsSync } from "node:fs";
import { type Browser, launch } from "puppeteer-core";

const places = [process.env["CHROMIUM"], "/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"];

/** Null where there is none: Debian's is `chromium`, any other is named by CHROMIUM. */
export async function browser(): Promise<Browser | null> {
  const executablePath = places.find((place) => place !== undefined && existsSync(place));
  if (executablePath === undefined) return null;
  // A busy machine starts a browser slowly.
  return launch({ executablePath, args: ["--no-sandbox", "--disable-gpu"], timeout: 180_000 });
}
