/** Where a program is, or why it is not to be had. */
export type OutsideTool = { program: string; missing?: undefined } | { program?: undefined; missing: string };

export function pythonTool(name: string, argument?: string): Promise<OutsideTool>;
export function pythonWith(name: string, file: string): Promise<OutsideTool>;
export function promtool(): Promise<OutsideTool>;
