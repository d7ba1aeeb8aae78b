"""How many instructions the steps of bench/hot_paths_bench.cc take: the same on every run and every machine of a kind.

    ./dev bench hot_paths_instructions
"""
import os
import pathlib
import re
import subprocess
import tempfile

BENCH = pathlib.Path(os.environ.get("PASSERELLE_BINARY", "build/release/passerelle")).resolve().parent / "bench" / "hot_paths_bench"
FEW, MANY = 1000, 3000


def collected(binary, name, iterations):
    """Instructions of a whole run, by callgrind."""
    command = ["valgrind", "--tool=callgrind", "--callgrind-out-file=/dev/null", binary, f"--benchmark_filter=^{re.escape(name)}(/iterations:[0-9]+)?$"]
    done = subprocess.run(command, env=os.environ | {"PASSERELLE_ITERATIONS": str(iterations)}, capture_output=True, text=True, check=True)
    return int(re.search(r"Collected : (\d+)", done.stderr).group(1))


def main():
    listed = subprocess.run([BENCH, "--benchmark_list_tests"], capture_output=True, text=True, check=True)
    with tempfile.TemporaryDirectory() as folder:
        # Debian 12's valgrind cannot read what Clang 19 writes for debuggers.
        binary = f"{folder}/hot_paths_bench"
        subprocess.run(["objcopy", "--strip-debug", BENCH, binary], check=True)
        for name in listed.stdout.split():
            each = (collected(binary, name, MANY) - collected(binary, name, FEW)) / (MANY - FEW)
            print(f"{name:32} {each:10.1f} instructions", flush=True)


if __name__ == "__main__":
    main()
