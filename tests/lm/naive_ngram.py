"""n-gram models from their formulas: dictionaries of tuples, one probability at a time, nothing shared."""

from __future__ import annotations

import math
from collections import Counter

END, START, UNKNOWN = "</s>", "<s>", "<unk>"


class Naive:
    """p(w | h) by one smoothing. sentences: lists of words; predicted: every word that can come, marks included."""

    def __init__(self, sentences, words, order, smoothing, *, k=1.0, discount=None, uniform=True, trust=None):
        self.order, self.smoothing, self.k, self.uniform, self.trust = order, smoothing, k, uniform, trust
        self.predicted = [*words, UNKNOWN, END]
        self.raw = [Counter() for _ in range(order + 1)]  # raw[n]: the n-grams
        for sentence in sentences:
            marked = [START, *(word if word in words else UNKNOWN for word in sentence), END]
            for n in range(1, order + 1):
                for i in range(len(marked) - n + 1):
                    self.raw[n][tuple(marked[i : i + n])] += 1
        self.counts = self.raw
        if "kneser-ney" in smoothing:
            self.counts = [self.adjusted(n) for n in range(order + 1)]
        self.discounts = [None] + [self.find(n, discount) for n in range(1, order + 1)]

    def adjusted(self, n):
        """Distinct words to the left below the highest order; raw counts where <s> begins the n-gram."""
        if n in (0, self.order):
            return self.raw[n]
        left = Counter(gram[1:] for gram in self.raw[n + 1])
        return Counter({gram: left[gram] or count for gram, count in self.raw[n].items()})

    def find(self, n, discount):
        """D of the values 1, 2 and 3 or more at order n. Chen & Goodman 1999, eq. 26; Ney, Essen & Kneser 1994."""
        values = [count for gram, count in self.counts[n].items() if gram != (START,)]
        n1, n2, n3, n4 = (values.count(value) for value in (1, 2, 3, 4))
        if self.smoothing == "modified-kneser-ney":
            if not (n1 and n2 and n3):  # what eq. 26 divides by
                return 0.5, 1.0, 1.5
            y = n1 / (n1 + 2 * n2)
            found = 1 - 2 * y * n2 / n1, 2 - 3 * y * n3 / n2, 3 - 4 * y * n4 / n3
            return found if all(0 < d <= j for j, d in enumerate(found, 1)) else (0.5, 1.0, 1.5)
        if self.smoothing in ("absolute", "kneser-ney"):
            if discount is None:
                discount = n1 / (n1 + 2 * n2) if n1 and n2 else 0.5
            return (discount,) * 3
        return 0.0, 0.0, 0.0

    def d(self, n, value):
        """D(value) at order n."""
        return 0.0 if value == 0 else self.discounts[n][min(value, 3) - 1]

    def p(self, word, history):
        """p(word | history), the last order - 1 words of it."""
        history = tuple(history)[-(self.order - 1) :] if self.order > 1 else ()
        n = len(history) + 1
        after = {w: self.counts[n][(*history, w)] for w in self.predicted}
        total = sum(after.values())
        if self.smoothing == "add-k":
            return (after[word] + self.k) / (total + self.k * len(self.predicted))
        if n == 1:
            lower, keep = 1 / len(self.predicted), self.weight(n, total)
            if not self.uniform:
                return after[word] / total
        else:
            lower = self.p(word, history[1:])
            if total == 0:
                return lower
            keep = self.weight(n, total)
        freed = sum(self.d(n, value) for value in after.values()) / total
        return keep * (after[word] - self.d(n, after[word])) / total + (1 - keep + keep * freed) * lower

    def weight(self, n, total):
        """l of linear interpolation; 1 for the other smoothings."""
        return (
            self.trust[n - 1][math.floor(math.log2(total)) + 1] if self.smoothing == "interpolated" else 1.0
        )

    def logprob(self, sentence, words):
        """ln p of a sentence: every word and </s>."""
        marked = [word if word in words else UNKNOWN for word in sentence] + [END]
        history, total = [START], 0.0
        for word in marked:
            p = self.p(word, history)
            total += math.log(p) if p > 0 else -math.inf
            history.append(word)
        return total


def em(shares, classes, uniform, classes_number, rounds):
    """Weights l[n][class] of linear interpolation by EM, token by token; each class with one made-up word that stops
    and one that goes on. shares[t][n], classes[t][n] (0: history unknown)."""
    order = len(shares[0])
    trust = [[0.5] * classes_number for _ in range(order)]
    for _ in range(rounds):
        took = [[1.0] * classes_number for _ in range(order)]
        came = [[2.0] * classes_number for _ in range(order)]
        for share, kind in zip(shares, classes, strict=True):
            left, stops = 1.0, [0.0] * order
            for n in reversed(range(order)):
                if kind[n]:
                    stops[n] = left * trust[n][kind[n]] * share[n]
                    left *= 1 - trust[n][kind[n]]
            total = left * uniform + sum(stops)
            reached = left * uniform / total
            for n in range(order):
                reached += stops[n] / total
                if kind[n]:
                    took[n][kind[n]] += stops[n] / total
                    came[n][kind[n]] += reached
        trust = [[a / b for a, b in zip(*pair, strict=True)] for pair in zip(took, came, strict=True)]
    return trust
