"""The tables, the goals and the chart of a comparison."""
import dataclasses
import platform
import statistics
import subprocess

from .workloads import MEMORY_GOALS, WORKLOADS, goals


def median(runs, key):
    return statistics.median(run[key] for run in runs)


def ratio(runs, other):
    """Of the processor time an operation, within each round."""
    return statistics.median(a["cpu_us"] / b["cpu_us"] for a, b in zip(runs, other))


def version_of(command, words):
    done = subprocess.run(command, capture_output=True, text=True)
    line = (done.stdout + done.stderr).splitlines()[0]
    return " ".join(line.split()[:words])


@dataclasses.dataclass
class Scaling:
    workers: dict  # {"one worker"|"two workers": [measured]}
    connections: dict  # {count: {proxy: [measured]}}
    tunnels: dict  # {count: kB each}

    def text(self):
        lines = ["### How it grows", "", "With workers, which share both cores with the load and the backend (ws echo 64 B, 100 connections):", "", "| | µs an operation | a second | to one worker |", "|---|---|---|---|"]
        one = self.workers["one worker"]
        for name, runs in self.workers.items():
            lines.append(f"| {name} | {median(runs, 'cpu_us'):.2f} | {median(runs, 'per_second'):,.0f} | {ratio(runs, one):.2f} |")
        lines += ["", "With connections that all talk (ws echo 64 B):", "", "| connections | floor, µs | Passerelle, µs | to the floor |", "|---|---|---|---|"]
        for count, by_proxy in self.connections.items():
            floor, own = by_proxy["floor"], by_proxy["Passerelle"]
            lines.append(f"| {count:,} | {median(floor, 'cpu_us'):.2f} | {median(own, 'cpu_us'):.2f} | {ratio(own, floor):.2f} |")
        lines += ["", "With idle tunnels:", "", "| tunnels | kB each |", "|---|---|"]
        lines += [f"| {count:,} | {kb:.2f} |" for count, kb in self.tunnels.items()]
        lines += ["", "With listeners and rules: [routing.md](routing.md)."]
        return "\n".join(lines)


@dataclasses.dataclass
class Run:
    results: dict  # {workload: {proxy: [measured, a round each]}}
    memory: dict  # {ws|wss: {proxy: [kB]}}
    scaling: Scaling | None
    rounds: int
    seconds: float

    def text(self):
        parts = [self.measured(w) for w in WORKLOADS if w.name in self.results]
        if self.memory:
            parts.append(self.memory_table())
        if self.scaling:
            parts.append(self.scaling.text())
        parts.append(self.goals_table())
        return "\n\n".join(parts)

    def measured(self, workload):
        by_proxy = self.results[workload.name]
        lines = [f"### {workload.title}", "", "| | µs an operation | to the floor | to nginx | to HAProxy | a second | p50 µs | p99 µs | p99.9 µs | calls |", "|---|---|---|---|---|---|---|---|---|---|"]
        for name, runs in by_proxy.items():
            ratios = [f"{ratio(runs, by_proxy[other]):.2f}" if other in by_proxy else "–" for other in ("floor", "nginx", "HAProxy")]
            calls = runs[0].get("calls")
            lines.append(f"| {name} | {median(runs, 'cpu_us'):.2f} | {' | '.join(ratios)} | {median(runs, 'per_second'):,.0f} | {median(runs, 'p50_us'):,.0f} | "
                         f"{median(runs, 'p99_us'):,.0f} | {median(runs, 'p999_us'):,.0f} | {'–' if calls is None else f'{calls:.2f}'} |")
        return "\n".join(lines)

    def memory_table(self):
        names = list(next(iter(self.memory.values())))
        lines = ["### Private memory of an idle tunnel, kB", "", "| | " + " | ".join(names) + " |", "|---|" + "---|" * len(names)]
        for kind, by_proxy in self.memory.items():
            lines.append(f"| {kind} | " + " | ".join(f"{statistics.median(by_proxy[name]):.2f}" for name in names) + " |")
        return "\n".join(lines)

    def verdicts(self):
        """(title, against, limit, figure)"""
        for goal in goals():
            by_proxy = self.results.get(goal.workload, {})
            for other, limit in goal.limits.items():
                if goal.proxy in by_proxy and other in by_proxy:
                    yield goal.title, other, limit, ratio(by_proxy[goal.proxy], by_proxy[other])
        for kind, (limit, rivals) in MEMORY_GOALS.items():
            by_proxy = {name: statistics.median(kb) for name, kb in self.memory.get(kind, {}).items()}
            if "Passerelle" not in by_proxy:
                continue
            yield f"idle {kind} tunnel, kB", "–", limit, by_proxy["Passerelle"]
            for other, part in rivals.items():
                if other in by_proxy:
                    yield f"idle {kind} tunnel", other, part, by_proxy["Passerelle"] / by_proxy[other]

    def goals_table(self):
        lines = ["### The goals", "", "| work | to | at most | measured | |", "|---|---|---|---|---|"]
        for title, other, limit, figure in self.verdicts():
            lines.append(f"| {title} | {other} | {limit:.2f} | {figure:.2f} | {'met' if figure <= limit else 'missed'} |")
        return "\n".join(lines)

    def about(self):
        processor = next((line.split(":")[1].strip() for line in open("/proc/cpuinfo") if line.startswith("model name")), "an unnamed processor")
        rivals = f"{version_of(['nginx', '-v'], 3).replace('nginx version: ', '')}, {version_of(['haproxy', '-v'], 3)}"
        return f"{self.rounds} rounds in {self.seconds / 60:.0f} minutes; {processor}; Linux {platform.release()}; {rivals}."

    def chart(self):
        """Bars of processor time, to the floor's, as SVG."""
        shown = [w for w in WORKLOADS if "floor" in self.results.get(w.name, {})]
        names = [n for n in next(iter(self.results.values())) if n != "floor"]
        colours = dict(zip(names, ["#8a8a8a", "#c2c2c2", "#d8a24a", "#ecd3a3", "#2f6fde", "#1b3f8a"]))
        bar, left, width = 11, 330, 460
        height = 60 + sum(len(self.results[w.name]) * bar + 14 for w in shown)
        scale = width / 4  # four times the floor's is as far as it goes
        out = [f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {left + width + 60} {height}" font-family="sans-serif" font-size="11">',
               f'<rect width="100%" height="100%" fill="#ffffff"/><text x="10" y="18" font-size="14">Processor time an operation; the floor (a blind relay) is 1</text>']
        for i, name in enumerate(names):
            out.append(f'<rect x="{10 + i * 120}" y="28" width="10" height="10" fill="{colours[name]}"/><text x="{24 + i * 120}" y="37">{name}</text>')
        y = 54
        for workload in shown:
            by_proxy = self.results[workload.name]
            bars = [n for n in names if n in by_proxy]
            out.append(f'<text x="{left - 8}" y="{y + len(bars) * bar / 2 + 4}" text-anchor="end">{workload.title}</text>')
            for name in bars:
                figure = ratio(by_proxy[name], by_proxy["floor"])
                out.append(f'<rect x="{left}" y="{y}" width="{min(figure * scale, width):.1f}" height="{bar - 2}" fill="{colours[name]}"/>'
                           f'<text x="{left + min(figure * scale, width) + 4:.1f}" y="{y + bar - 3}" font-size="9">{figure:.2f}</text>')
                y += bar
            y += 14
        out.append(f'<line x1="{left + scale}" x2="{left + scale}" y1="48" y2="{y}" stroke="#000000" stroke-dasharray="3 3"/></svg>')
        return "\n".join(out)

    def write(self, folder):
        (folder / "comparison.svg").write_text(self.chart() + "\n")
        (folder / "comparison.md").write_text("# The newest comparison\n\nWritten by `./dev bench compare`; how to read it is in [README.md](README.md).\n\n"
                                              f"{self.about()}\n\n![Processor time an operation, to the floor's](comparison.svg)\n\n{self.text()}\n")
