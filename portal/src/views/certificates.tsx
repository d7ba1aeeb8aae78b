import { type Certificate, usePoll } from '../api';
import { Trouble } from '../parts/confirm';
import { Table } from '../parts/table';

const soon_days = 30;

function left(certificate: Certificate): { kind: string; words: string } {
  if (certificate.notAfter === null) return { kind: 'Draining', words: 'not read' };
  const days = Math.floor((Date.parse(certificate.notAfter) - Date.now()) / 86_400_000);
  if (days < 0) return { kind: 'Down', words: 'has ended' };
  return { kind: days < soon_days ? 'Draining' : 'Up', words: days === 1 ? '1 day left' : `${days} days left` };
}

export function Certificates() {
  const page = usePoll<{ certificates: Certificate[] }>('/api/v1/certificates', 60);
  return (
    <>
      <h2>Certificates and their last day</h2>
      <Trouble error={page.error} />
      {page.data?.certificates.length === 0 && <p>No listener needs one.</p>}
      {page.data && page.data.certificates.length > 0 && (
        <Table name="Certificates" heads={['Certificate', 'Last day', 'Left', 'Listeners', 'From']}
          rows={page.data.certificates.map(certificate => {
            const { kind, words } = left(certificate);
            return { key: certificate.name, cells: [
              certificate.name, certificate.notAfter?.slice(0, 10) ?? '–', <span class={`health ${kind}`}>{words}</span>, certificate.listeners.join(', ') || 'none', certificate.kind] };
          })} />
      )}
    </>
  );
}
