// The page and the search of a list, kept in the address so that it can be shared and gone back to.
import { useSearchParams } from "react-router";

export function useListing(perPage: number) {
  const [params, setParams] = useSearchParams();
  const page = Math.max(1, Number(params.get("page")) || 1);
  const search = params.get("search") ?? "";
  const change = (members: Record<string, string>) =>
    setParams((old) => {
      for (const [name, value] of Object.entries(members)) if (value) old.set(name, value); else old.delete(name);
      return old;
    }, { replace: true });
  return {
    listing: { page, per_page: perPage, ...(search && { search }) },
    search,
    setPage: (to: number) => change({ page: to > 1 ? String(to) : "" }),
    setSearch: (text: string) => change({ search: text, page: "" }),
  };
}
