export const title = "Map";
export const heading = (now) => now.w;
export function mount(section) { return () => {}; }
