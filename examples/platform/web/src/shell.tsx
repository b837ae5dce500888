// What stands around every page: the navigation, the theme, and the question for an access token.
import { useEffect, useState } from "react";
import { NavLink, Outlet, ScrollRestoration, useLocation } from "react-router";
import { useWatch } from "./api/activity";
import { token } from "./api/client";
import { client } from "./api/queries";
import { Dialog } from "./ui/controls";
import { Icon, type IconName } from "./ui/icon";

const PLACES: { to: string; label: string; icon: IconName }[] = [
  { to: "/", label: "Dashboard", icon: "dashboard" },
  { to: "/rules", label: "Rules", icon: "rules" },
  { to: "/segments", label: "Segments", icon: "segments" },
  { to: "/runs", label: "Runs", icon: "runs" },
];

export function Shell() {
  const { pathname } = useLocation();
  useWatch();
  useEffect(() => {
    const place = PLACES.findLast((p) => pathname.startsWith(p.to));
    document.title = `${place?.label ?? "Audience Manager"} · Audience Manager`;
  }, [pathname]);
  return (
    <div className="min-h-screen md:grid md:grid-cols-[220px_minmax(0,1fr)]">
      <a href="#main" className="button primary absolute top-2 left-2 z-50 -translate-y-20 focus:translate-y-0">Skip to the content</a>
      <aside className="sticky top-0 hidden h-screen flex-col border-r border-line bg-surface px-3 py-5 md:flex">
        <Brand />
        <nav aria-label="Main" className="mt-7 flex flex-col gap-0.5">
          {PLACES.map((place) => (
            <NavLink key={place.to} to={place.to} end={place.to === "/"} className={({ isActive }) => `flex h-9 items-center gap-2.5 rounded-[7px] px-3 text-sm font-medium transition-colors ${isActive ? "bg-accent-soft text-accent-strong" : "text-soft hover:bg-sunken"}`}>
              <Icon name={place.icon} />{place.label}
            </NavLink>
          ))}
        </nav>
        <div className="mt-auto flex items-center justify-between px-1">
          <a href="/api/docs" className="px-2 text-[0.8rem] text-muted hover:text-text">API reference</a>
          <Theme />
        </div>
      </aside>
      <header className="sticky top-0 z-20 flex h-14 items-center justify-between border-b border-line bg-surface px-4 md:hidden"><Brand /><Theme /></header>
      <main id="main" tabIndex={-1} className="min-w-0 px-4 pt-6 pb-28 outline-none sm:px-8 md:pt-9 md:pb-16">
        <div className="mx-auto max-w-[1180px]"><Outlet /></div>
      </main>
      <nav aria-label="Main" className="fixed inset-x-0 bottom-0 z-20 grid grid-cols-4 border-t border-line bg-surface pb-[env(safe-area-inset-bottom)] md:hidden">
        {PLACES.map((place) => (
          <NavLink key={place.to} to={place.to} end={place.to === "/"} className={({ isActive }) => `flex flex-col items-center gap-1 py-2.5 text-[0.7rem] font-medium ${isActive ? "text-accent" : "text-muted"}`}>
            <Icon name={place.icon} size={19} />{place.label}
          </NavLink>
        ))}
      </nav>
      <TokenDialog />
      <ScrollRestoration />
    </div>
  );
}

function Brand() {
  return (
    <div className="flex items-center gap-2.5 px-2">
      <img src="/icon.svg" alt="" width={28} height={28} />
      <span className="leading-tight font-semibold tracking-tight">Audience Manager</span>
    </div>
  );
}

function Theme() {
  const [dark, setDark] = useState(document.documentElement.dataset.theme === "dark");
  const change = () => {
    const theme = dark ? "light" : "dark";
    document.documentElement.dataset.theme = theme;
    localStorage.setItem("theme", theme);
    setDark(!dark);
  };
  return <button type="button" className="button quiet icon small" onClick={change} aria-label={dark ? "Use the light theme" : "Use the dark theme"}><Icon name={dark ? "sun" : "moon"} /></button>;
}

/** Asks for the token when the server says that one is needed. */
function TokenDialog() {
  const [open, setOpen] = useState(false);
  const [text, setText] = useState("");
  useEffect(() => {
    const ask = () => setOpen(true);
    addEventListener("token-needed", ask);
    return () => removeEventListener("token-needed", ask);
  }, []);
  if (!open) return null;
  const save = () => {
    token.set(text.trim());
    setOpen(false);
    void client.invalidateQueries();
  };
  return (
    <Dialog title="Access token" onClose={() => setOpen(false)} actions={<button type="button" className="button primary" disabled={!text.trim()} onClick={save}>Use it</button>}>
      <form onSubmit={(e) => { e.preventDefault(); save(); }}>
        <p className="mb-4 text-muted">This server takes changes from whoever has its token. It is kept for this tab only; do again what was refused.</p>
        <label className="label" htmlFor="token">Token</label>
        <input id="token" type="password" autoComplete="off" className="input" value={text} onChange={(e) => setText(e.target.value)} />
      </form>
    </Dialog>
  );
}
