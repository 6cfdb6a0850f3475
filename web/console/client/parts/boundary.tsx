import { Component, type ReactNode } from 'react';
import { useWords } from '../words.ts';
import { STATE_WORDS } from './states.words.ts';

type Given = { readonly children: ReactNode };

/** Holds a fault of a page within the page: the navigation stays, and nothing saved is lost. */
export class Boundary extends Component<Given, { broken: boolean }> {
  override state = { broken: false };

  static getDerivedStateFromError() {
    return { broken: true };
  }

  override render(): ReactNode {
    return this.state.broken ? <Broken /> : this.props.children;
  }
}

function Broken() {
  const words = useWords(STATE_WORDS);
  return (
    <div className="empty" role="alert">
      <h1>{words.brokenPage}</h1>
      <p>{words.brokenPageWhy}</p>
      <button type="button" className="button" onClick={() => location.reload()}>
        {words.reload}
      </button>
    </div>
  );
}
