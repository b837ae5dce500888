// Small controls that all pages share.
import { useEffect, useId, useRef, useState, type ReactNode } from "react";
import { Link } from "react-router";
import { Icon, type IconName } from "./icon";

export function PageHeader({ title, lead, actions, back }: { title: ReactNode; lead?: ReactNode; actions?: ReactNode; back?: { to: string; label: string } }) {
  return (
    <header className="mb-6 flex flex-wrap items-start justify-between gap-x-6 gap-y-3">
      <div className="min-w-0">
        {back && <Link to={back.to} className="mb-1 inline-flex items-center gap-1 text-sm text-muted hover:text-text"><Icon name="left" size={13} />{back.label}</Link>}
        <h1 className="break-words">{title}</h1>
        {lead && <p className="mt-1 max-w-2xl text-sm text-muted">{lead}</p>}
      </div>
      {actions && <div className="flex flex-wrap items-center gap-2">{actions}</div>}
    </header>
  );
}

export function Card({ title, aside, children, className = "", flush }: { title?: ReactNode; aside?: ReactNode; children: ReactNode; className?: string; flush?: boolean }) {
  return (
    <section className={`card min-w-0 ${className}`}>
      {title && (
        <div className="flex min-h-[52px] items-center justify-between gap-3 border-b border-line px-5 py-2.5">
          <h2>{title}</h2>
          {aside && <div className="text-sm text-muted">{aside}</div>}
        </div>
      )}
      <div className={flush ? "" : "p-5"}>{children}</div>
    </section>
  );
}

export function SearchBox({ value, onChange, label }: { value: string; onChange: (text: string) => void; label: string }) {
  const [text, setText] = useState(value);
  const latest = useRef(onChange);
  latest.current = onChange;
  useEffect(() => setText(value), [value]);
  useEffect(() => {
    if (text === value) return;
    const timer = setTimeout(() => latest.current(text), 250);
    return () => clearTimeout(timer);
  }, [text, value]);
  return (
    <div className="relative w-full sm:w-72">
      <span className="pointer-events-none absolute top-1/2 left-3 -translate-y-1/2 text-muted"><Icon name="search" /></span>
      <input type="search" className="input !pl-9" placeholder={label} aria-label={label} value={text} onChange={(e) => setText(e.target.value)} />
    </div>
  );
}

export function Pages({ page, pages, total, noun, onPage }: { page: number; pages: number; total: number; noun: string; onPage: (page: number) => void }) {
  return (
    <nav aria-label="Pages" className="flex items-center justify-between gap-3 border-t border-line px-5 py-3 text-sm text-muted">
      <span>{total.toLocaleString("en")} {noun}{total === 1 ? "" : "s"}</span>
      {pages > 1 && (
        <span className="flex items-center gap-2">
          <button type="button" className="button icon small" disabled={page <= 1} onClick={() => onPage(page - 1)} aria-label="Previous page"><Icon name="left" size={14} /></button>
          <span className="tabular-nums" aria-live="polite">{page} of {pages}</span>
          <button type="button" className="button icon small" disabled={page >= pages} onClick={() => onPage(page + 1)} aria-label="Next page"><Icon name="right" size={14} /></button>
        </span>
      )}
    </nav>
  );
}

/** A modal window; Escape closes it, and the browser keeps the focus in it. */
export function Dialog({ title, onClose, children, actions }: { title: string; onClose: () => void; children: ReactNode; actions?: ReactNode }) {
  const ref = useRef<HTMLDialogElement>(null);
  const id = useId();
  useEffect(() => {
    const dialog = ref.current;
    dialog?.showModal?.();
    return () => dialog?.close?.();
  }, []);
  return (
    <dialog ref={ref} className="sheet" aria-labelledby={id} onCancel={(e) => { e.preventDefault(); onClose(); }}>
      <div className="flex items-center justify-between border-b border-line py-3 pr-3 pl-5">
        <h2 id={id}>{title}</h2>
        <button type="button" className="button quiet icon small" onClick={onClose} aria-label="Close"><Icon name="x" /></button>
      </div>
      <div className="max-h-[60vh] overflow-auto p-5 text-sm">{children}</div>
      {actions && <div className="flex justify-end gap-2 border-t border-line px-5 py-3">{actions}</div>}
    </dialog>
  );
}

export interface MenuItem { label: string; icon: IconName; onSelect: () => void; danger?: boolean }

/** A button with a list of actions. */
export function Menu({ label, items }: { label: string; items: MenuItem[] }) {
  const [at, setAt] = useState<{ top: number; right: number } | null>(null);
  const button = useRef<HTMLButtonElement>(null);
  const menu = useRef<HTMLDivElement>(null);
  useEffect(() => {
    if (!at) return;
    menu.current?.querySelector("button")?.focus();
    const close = (event: Event) => { if (!menu.current?.contains(event.target as Node)) setAt(null); };
    addEventListener("pointerdown", close);
    addEventListener("scroll", close, true);
    return () => { removeEventListener("pointerdown", close); removeEventListener("scroll", close, true); };
  }, [at]);
  const move = (event: React.KeyboardEvent) => {
    const all = [...(menu.current?.querySelectorAll("button") ?? [])];
    const index = all.indexOf(document.activeElement as HTMLButtonElement);
    const step = event.key === "ArrowDown" ? 1 : event.key === "ArrowUp" ? -1 : 0;
    if (step) { event.preventDefault(); all[(index + step + all.length) % all.length]?.focus(); }
    if (event.key === "Escape" || event.key === "Tab") { setAt(null); button.current?.focus(); }
  };
  const open = () => {
    const box = button.current!.getBoundingClientRect();
    const height = items.length * 36 + 12;
    setAt({ top: box.bottom + height > innerHeight ? box.top - height - 4 : box.bottom + 4, right: innerWidth - box.right });
  };
  return (
    <>
      <button ref={button} type="button" className="button quiet icon small" aria-haspopup="menu" aria-expanded={at !== null} aria-label={label} onClick={() => (at ? setAt(null) : open())}><Icon name="more" /></button>
      {at && (
        <div ref={menu} role="menu" className="menu" style={{ position: "fixed", ...at }} onKeyDown={move}>
          {items.map((item) => (
            <button key={item.label} role="menuitem" type="button" className={item.danger ? "text-danger" : ""} onClick={() => { setAt(null); item.onSelect(); }}><Icon name={item.icon} />{item.label}</button>
          ))}
        </div>
      )}
    </>
  );
}

export function Tabs<T extends string>({ tabs, value, onChange, label }: { tabs: { id: T; label: string }[]; value: T; onChange: (id: T) => void; label: string }) {
  const step = (event: React.KeyboardEvent) => {
    const by = event.key === "ArrowRight" ? 1 : event.key === "ArrowLeft" ? -1 : 0;
    if (!by) return;
    const next = tabs[(tabs.findIndex((t) => t.id === value) + by + tabs.length) % tabs.length]!;
    onChange(next.id);
    document.getElementById(`tab-${next.id}`)?.focus();
  };
  return (
    <div role="tablist" aria-label={label} className="tabs" onKeyDown={step}>
      {tabs.map((t) => (
        <button key={t.id} id={`tab-${t.id}`} role="tab" type="button" aria-selected={t.id === value} tabIndex={t.id === value ? 0 : -1} aria-controls={`panel-${t.id}`} onClick={() => onChange(t.id)}>{t.label}</button>
      ))}
    </div>
  );
}

export function Stat({ label, value, note }: { label: string; value: ReactNode; note?: ReactNode }) {
  return (
    <div className="card px-5 py-4">
      <p className="text-[0.8rem] text-muted">{label}</p>
      <p className="mt-1 text-[1.6rem] leading-tight font-semibold tracking-tight tabular-nums">{value}</p>
      {note && <p className="mt-1 text-[0.8rem] text-muted">{note}</p>}
    </div>
  );
}
