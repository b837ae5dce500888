// Calls of the server. What goes wrong comes out as an `ApiError`, with all of the problems that it told.
import { parseJson, writeJson } from "../lib/json";

export interface Problem {
  code: string;
  /** JSON Pointer into the document, or line and column of a text. */
  path?: string | null;
  message: string;
  hint?: string | null;
}

export class ApiError extends Error {
  constructor(
    readonly status: number,
    readonly code: string,
    message: string,
    readonly problems: Problem[] = [],
    readonly hint?: string,
    readonly details: Record<string, unknown> = {},
  ) {
    super(message);
    this.name = "ApiError";
  }
}

const TOKEN = "platform-token";
export const token = {
  get: () => sessionStorage.getItem(TOKEN),
  set: (value: string) => sessionStorage.setItem(TOKEN, value),
};

export type Query = Record<string, string | number | boolean | null | undefined>;

export function address(path: string, query: Query = {}): string {
  const entries = Object.entries(query).filter(([, v]) => v !== undefined && v !== null && v !== "");
  const text = new URLSearchParams(entries.map(([k, v]) => [k, String(v)])).toString();
  return `/api${path}${text ? `?${text}` : ""}`;
}

interface Options {
  method?: "GET" | "POST" | "PUT" | "DELETE";
  query?: Query;
  body?: unknown;
  signal?: AbortSignal;
  ifMatch?: number;
  /** Whether the answer holds rule documents, whose numbers keep all of their digits. */
  exact?: boolean;
}

export async function call<T>(path: string, { method = "GET", query, body, signal, ifMatch, exact }: Options = {}): Promise<T> {
  const headers: Record<string, string> = { accept: "application/json" };
  if (body !== undefined) headers["content-type"] = "application/json";
  if (ifMatch !== undefined) headers["if-match"] = `"${ifMatch}"`;
  const known = token.get();
  if (known) headers.authorization = `Bearer ${known}`;
  let response: Response;
  try {
    response = await fetch(address(path, query), { method, headers, signal, body: body === undefined ? undefined : writeJson(body) });
  } catch (error) {
    if (signal?.aborted) throw error;
    throw new ApiError(0, "unreachable", "The server can't be reached", [], "It may be restarting. This page tries again by itself.");
  }
  const text = await response.text();
  if (!response.ok) throw failure(response.status, text);
  return (text === "" ? undefined : exact ? parseJson(text) : JSON.parse(text)) as T;
}

function failure(status: number, text: string): ApiError {
  try {
    const { error } = JSON.parse(text) as { error: Problem & { problems?: Problem[] } & Record<string, unknown> };
    const { code, message, hint, problems, ...details } = error;
    if (status === 401) dispatchEvent(new CustomEvent("token-needed"));
    return new ApiError(status, code, message, problems ?? [], hint ?? undefined, details);
  } catch {
    return new ApiError(status, "unreadable", `The server answered ${status}`, [], text.slice(0, 200));
  }
}
