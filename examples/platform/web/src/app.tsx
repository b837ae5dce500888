// The routes. Every page is a file of its own, loaded when it is first opened.
import { QueryClientProvider } from "@tanstack/react-query";
import { lazy, Suspense } from "react";
import { createBrowserRouter, isRouteErrorResponse, Link, RouterProvider, useRouteError } from "react-router";
import { client } from "./api/queries";
import { Shell } from "./shell";
import { Empty, Failure, Loading } from "./ui/states";
import { Toasts } from "./ui/toasts";

const page = (load: () => Promise<{ default: React.ComponentType }>) => {
  const Page = lazy(load);
  return <Suspense fallback={<Loading rows={6} />}><Page /></Suspense>;
};

function PageFailure() {
  const error = useRouteError();
  if (isRouteErrorResponse(error) && error.status === 404) return <NotFound />;
  return <div className="card"><Failure error={error} retry={() => location.reload()} /></div>;
}

const NotFound = () => (
  <div className="card">
    <Empty icon="search" title="There is no such page" action={<Link to="/" className="button primary">To the dashboard</Link>}>The address may be mistyped, or what it named was deleted.</Empty>
  </div>
);

const router = createBrowserRouter([
  {
    // Messages may hold links, so they stand inside of the router.
    element: <Toasts><Shell /></Toasts>,
    errorElement: <div className="m-8"><PageFailure /></div>,
    children: [
      {
        errorElement: <PageFailure />,
        children: [
          { path: "/", element: page(() => import("./pages/dashboard")) },
          { path: "/rules", element: page(() => import("./pages/rules")) },
          { path: "/rules/new", element: page(() => import("./pages/rule-form")) },
          { path: "/rules/edit/:id", element: page(() => import("./pages/rule-form")) },
          { path: "/segments", element: page(() => import("./pages/segments")) },
          { path: "/segments/:id", element: page(() => import("./pages/segment")) },
          { path: "/runs", element: page(() => import("./pages/runs")) },
          { path: "*", element: <NotFound /> },
        ],
      },
    ],
  },
]);

export function App() {
  return (
    <QueryClientProvider client={client}>
      <RouterProvider router={router} />
    </QueryClientProvider>
  );
}
