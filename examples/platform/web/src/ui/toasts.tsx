// Short messages about what was just done, read out by screen readers.
import { createContext, useCallback, useContext, useState, type ReactNode } from "react";
import { Icon } from "./icon";

interface Toast { id: number; text: ReactNode; bad: boolean }
const Context = createContext<(text: ReactNode, bad?: boolean) => void>(() => undefined);
let last = 0;

export const useToast = () => useContext(Context);

export function Toasts({ children }: { children: ReactNode }) {
  const [toasts, setToasts] = useState<Toast[]>([]);
  const drop = (id: number) => setToasts((all) => all.filter((t) => t.id !== id));
  const show = useCallback((text: ReactNode, bad = false) => {
    const id = ++last;
    setToasts((all) => [...all.slice(-2), { id, text, bad }]);
    setTimeout(() => drop(id), bad ? 9000 : 5000);
  }, []);
  return (
    <Context value={show}>
      {children}
      <div aria-live="polite" className="pointer-events-none fixed right-4 bottom-20 left-4 z-50 flex flex-col items-end gap-2 md:bottom-5">
        {toasts.map((t) => (
          <div key={t.id} className="card pointer-events-auto flex max-w-md items-start gap-2.5 px-4 py-3 text-sm" style={{ boxShadow: "var(--shadow-2)" }}>
            <span className={t.bad ? "text-danger" : "text-accent"}><Icon name={t.bad ? "alert" : "check"} /></span>
            <div className="min-w-0 break-words">{t.text}</div>
            <button type="button" className="text-muted hover:text-text" aria-label="Dismiss" onClick={() => drop(t.id)}><Icon name="x" size={14} /></button>
          </div>
        ))}
      </div>
    </Context>
  );
}
