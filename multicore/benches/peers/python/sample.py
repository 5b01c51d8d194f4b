"""One job, once, for a Python contender: prints its figures as the Rust side reads them.

    python3 sample.py j1 python-pool

Functions and the data of J7 are globals of this module: workers are forked, so they have them.
"""

import math
import sys
import time
from collections import deque
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context

WORKERS = 2
BUDGET = 0.3
TASKS = 100_000
PRIMES_BELOW = 300_000
USERS = 100
SHARED_VALUES = 1 << 27  # of 8 bytes
DATA = None

clock = time.perf_counter


def next_one(n):
    return n + 1


def next_all(start, end):
    return sum(n + 1 for n in range(start, end))


def echo(data):
    return data


def is_prime(n):
    if n < 4:
        return n > 1
    return n % 2 == 1 and all(n % d for d in range(3, math.isqrt(n) + 1, 2))


def primes(start, end):
    return sum(map(is_prime, range(start, end)))


def render(start, end):
    pages = []
    for user in range(start, end):
        time.sleep(0.01)
        pages.append(f"<li>user {user}</li>\n")
    return "".join(pages)


def burn(turns):
    x = 1
    for _ in range(turns):
        x = (x * 3) & 0xFFFFFF
    return x


def glance(_):
    return sum(DATA[:: len(DATA) // 64])


class Pool:
    """multiprocessing.Pool, its processes forked."""

    def __init__(self):
        self.pool = get_context("fork").Pool(WORKERS)

    def one(self, function, *arguments):
        return self.pool.apply(function, arguments)

    def submit(self, function, *arguments):
        return self.pool.apply_async(function, arguments)

    def result(self, handle):
        return handle.get()

    def each_of(self, function, arguments):
        """A call for each tuple, results in order, nothing put together."""
        return self.pool.starmap(function, arguments, chunksize=1)

    def batch(self, function, values):
        """As the library divides it."""
        return self.pool.map(function, values)

    def close(self):
        self.pool.terminate()
        self.pool.join()


class Executor:
    """concurrent.futures.ProcessPoolExecutor, its processes forked."""

    def __init__(self):
        self.pool = ProcessPoolExecutor(WORKERS, mp_context=get_context("fork"))

    def one(self, function, *arguments):
        return self.pool.submit(function, *arguments).result()

    def submit(self, function, *arguments):
        return self.pool.submit(function, *arguments)

    def result(self, handle):
        return handle.result()

    def each_of(self, function, arguments):
        return [handle.result() for handle in [self.pool.submit(function, *each) for each in arguments]]

    def batch(self, function, values):
        # Its own default, a chunk for each value, is not what its documentation advises.
        return list(self.pool.map(function, values, chunksize=math.ceil(len(values) / (4 * WORKERS))))

    def close(self):
        self.pool.shutdown()


class Original:
    """The Python package multicore, 0.1.1. It holds 16 calls at once."""

    HELD = 16

    def __init__(self):
        import multicore

        self.multicore = multicore
        multicore.NUMBER_OF_WORKERS = WORKERS
        multicore.BUFFER_DEPTH = self.HELD
        multicore.initialize()

    def one(self, function, *arguments):
        return self.each_of(function, [arguments])[0]

    def each_of(self, function, arguments):
        results = []
        for at in range(0, len(arguments), self.HELD):
            task = self.multicore.Task()
            for each in arguments[at : at + self.HELD]:
                task.run(function, *each)
            results += task.get(timeout=120.0)
        return results

    def close(self):
        workers = list(self.multicore._workers)
        self.multicore.shutdown()
        for worker in workers:
            worker.join()


CONTENDERS = {"python-pool": Pool, "python-executor": Executor, "original": Original}


def figure(part, value, unit):
    print(part, value, unit, sep="\t")


def check(found, expected):
    if found != expected:
        sys.exit(f"the answer is {found!r}, and {expected!r} is right")


def median(values):
    values = sorted(values)
    return (values[(len(values) - 1) // 2] + values[len(values) // 2]) / 2


def timed(run):
    start = clock()
    result = run()
    return clock() - start, result


def median_time(run, budget=BUDGET):
    start, times = clock(), []
    while len(times) < 3 or clock() - start < budget:
        times.append(timed(run)[0])
    return median(times)


def parts(length, count):
    return [(length * i // count, length * (i + 1) // count) for i in range(count)]


def j1(crew):
    check(crew.one(next_one, 1), 2)
    median_time(lambda: crew.one(next_one, 1), BUDGET / 4)
    figure("", median_time(lambda: crew.one(next_one, 1)) * 1e6, "us")


def each(crew, tasks):
    if isinstance(crew, Original):
        return sum(crew.each_of(next_one, [(n,) for n in range(tasks)]))
    total, pending = 0, deque()
    for n in range(tasks):
        if len(pending) >= 1000:
            total += crew.result(pending.popleft())
        pending.append(crew.submit(next_one, n))
    return total + sum(map(crew.result, pending))


def j2(crew):
    trial, _ = timed(lambda: each(crew, 2000))
    tasks = max(2000, min(TASKS, int(2000 * 3 / trial)))
    elapsed, total = timed(lambda: each(crew, tasks))
    check(total, tasks * (tasks + 1) // 2)
    figure("each", tasks / elapsed / 1e3, "k/s")
    chunks = parts(TASKS, 16)
    check(sum(crew.each_of(next_all, chunks)), TASKS * (TASKS + 1) // 2)
    figure("16 chunks", TASKS / median_time(lambda: crew.each_of(next_all, chunks)) / 1e3, "k/s")


def batch(crew):
    trial, _ = timed(lambda: burn(1_000_000))
    for part, micros in (("1 us", 1), ("10 us", 10)):
        turns = round(micros * 1e-6 / (trial / 1_000_000))
        alone = median_time(lambda: [burn(turns) for _ in range(1000)])
        crew.batch(burn, [turns] * 1000)
        figure(part, alone / median_time(lambda: crew.batch(burn, [turns] * 1000)), "x")


def j3(crew):
    for part, size in (("64 KiB", 64 << 10), ("1 MiB", 1 << 20), ("64 MiB", 64 << 20)):
        data = bytes(range(256)) * (size // 256)
        check(crew.one(echo, data) == data, True)
        figure(part, size / median_time(lambda: crew.one(echo, data), BUDGET * 2) / 1e6, "MB/s")


def j4(crew):
    alone, right = timed(lambda: primes(0, PRIMES_BELOW))
    crew.each_of(primes, parts(1000, 2))
    for count in (2, 4, 16):
        elapsed, counts = timed(lambda: crew.each_of(primes, parts(PRIMES_BELOW, count)))
        check(sum(counts), right)
        figure(f"{count} ranges", alone / elapsed, "x")


def j6(crew):
    crew.each_of(render, parts(2, 2))
    for part, count in (("100 calls", USERS), ("2 ranges", 2)):
        elapsed, pages = timed(lambda: crew.each_of(render, parts(USERS, count)))
        check("".join(pages), "".join(f"<li>user {user}</li>\n" for user in range(USERS)))
        figure(part, elapsed * 1e3, "ms")


def j9(crew):
    pair = lambda: crew.each_of(next_all, [(0, 0), (0, 0)])
    pair()
    figure("", median_time(pair) * 1e6, "us")


def j5(contender):
    start = clock()
    crew = contender()
    answer = crew.one(next_one, 1)
    elapsed = clock() - start
    check(answer, 2)
    figure("", elapsed * 1e3, "ms")
    crew.close()


def j7(contender):
    """A list of 1 GiB that is there before the pool: forked workers see it."""
    global DATA
    DATA = [1] * SHARED_VALUES
    right = glance(0)
    start = clock()
    crew = contender()
    seen = crew.each_of(glance, [(0,)] * WORKERS)
    elapsed = clock() - start
    check(seen, [right] * WORKERS)
    figure("", elapsed * 1e3, "ms")
    crew.close()


def main(job, name):
    contender = CONTENDERS[name]
    if job in ("j5", "j7"):
        globals()[job](contender)
        return
    crew = contender()
    globals()[job](crew)
    crew.close()


if __name__ == "__main__":
    if len(sys.argv) != 3 or sys.argv[2] not in CONTENDERS:
        sys.exit(f"usage: sample.py JOB {'|'.join(CONTENDERS)}")
    # The original pickles functions by name: they have to be found where its workers look.
    main(sys.argv[1], sys.argv[2])
