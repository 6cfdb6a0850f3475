/**
 * The staff console in the browser. It shows and asks; every right and every count is the API's. What one types is kept in the page until
 * it is saved. It never loads anything from elsewhere.
 */
import './console.css';
import { QueryClient, QueryClientProvider } from '@tanstack/react-query';
import { StrictMode } from 'react';
import { createRoot } from 'react-dom/client';
import { Router } from 'wouter';
import { Problem } from './api.ts';
import { type Person, PersonContext } from './person.ts';
import { Shell } from './shell.tsx';

const queries = new QueryClient({
  defaultOptions: {
    queries: {
      staleTime: 10_000,
      refetchOnWindowFocus: false,
      // What was refused stays refused; only a server that did not answer is asked again.
      retry: (count, error) =>
        count < 2 && (!(error instanceof Problem) || error.status === 0 || error.status === 503),
    },
  },
});

const root = document.getElementById('root')!;
const person = JSON.parse(root.dataset['person'] ?? '{}') as Person;

createRoot(root).render(
  <StrictMode>
    <QueryClientProvider client={queries}>
      <PersonContext value={person}>
        <Router base="/console">
          <Shell />
        </Router>
      </PersonContext>
    </QueryClientProvider>
  </StrictMode>,
);
