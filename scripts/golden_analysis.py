"""Golden values of internal/analysis, by scikit-learn, SciPy and NumPy; written to
internal/analysis/testdata/golden.json. The rows are made by integers, as analysis_test.go makes them.

Structural similarity has no function there: it is the paper's formula with SciPy's filters.
"""

from __future__ import annotations

import json
import pathlib

import numpy as np
import scipy
import scipy.optimize
import scipy.signal
import sklearn
from scipy.spatial.distance import squareform
from sklearn.cluster import KMeans
from sklearn.decomposition import PCA
from sklearn.linear_model import LogisticRegression
from sklearn.manifold import _t_sne
from sklearn.metrics import (
    adjusted_rand_score,
    average_precision_score,
    normalized_mutual_info_score,
    precision_recall_fscore_support,
    roc_auc_score,
    silhouette_score,
)
from sklearn.mixture import GaussianMixture
from sklearn.neighbors import KNeighborsClassifier
from sklearn.preprocessing import StandardScaler

N, P, K = 90, 5, 3


def uniform(n: int, salt: int) -> np.ndarray:
    """Multiples of 2^-16 in [0, 1)."""
    i = np.arange(n, dtype=np.uint64) + np.uint64(1000003 * salt + 1)
    x = (i * np.uint64(2654435761)) & np.uint64(0xFFFFFFFF)
    x ^= x >> np.uint64(15)
    x = (x * np.uint64(2246822519)) & np.uint64(0xFFFFFFFF)
    x ^= x >> np.uint64(13)
    return ((x >> np.uint64(8)) & np.uint64(0xFFFF)).astype(np.float64) / 65536


def rows(n: int, salt: int, apart: float = 0.5) -> tuple[np.ndarray, np.ndarray]:
    """Row i is of class i mod K, which moves value j by apart·((class + j) mod K); sums of two uniforms."""
    classes = np.arange(n) % K
    x = (uniform(n * P, salt) + uniform(n * P, salt + 1)).reshape(n, P)
    return (x + apart * ((classes[:, None] + np.arange(P)) % K)).astype(np.float32), classes


def signed(components: np.ndarray) -> np.ndarray:
    largest = np.abs(components).argmax(axis=1)
    return components * np.sign(components[np.arange(len(components)), largest])[:, None]


def best_match(a: np.ndarray, b: np.ndarray) -> float:
    table = np.zeros((a.max() + 1, b.max() + 1))
    np.add.at(table, (a, b), 1)
    return float(table[scipy.optimize.linear_sum_assignment(-table)].sum() / len(a))


def ssim(a: np.ndarray, b: np.ndarray, span: float) -> float:
    def window(side: int) -> np.ndarray:
        size = min(11, side - (side + 1) % 2)
        w = np.exp(-((np.arange(size) - size // 2) ** 2) / (2 * 1.5**2))
        return w / w.sum()

    c1, c2 = (0.01 * span) ** 2, (0.03 * span) ** 2
    kernel = np.outer(window(a.shape[1]), window(a.shape[2]))
    means = []
    for x, y in zip(a.astype(np.float64), b.astype(np.float64)):
        ux, uy, xx, yy, xy = (scipy.signal.correlate2d(v, kernel, "valid") for v in (x, y, x * x, y * y, x * y))
        vx, vy, vxy = xx - ux * ux, yy - uy * uy, xy - ux * uy
        s = (2 * ux * uy + c1) * (2 * vxy + c2) / ((ux**2 + uy**2 + c1) * (vx + vy + c2))
        means.append(s.mean())
    return float(np.mean(means))


def clusters(x: np.ndarray, classes: np.ndarray) -> dict:
    found = KMeans(K, n_init=50, tol=0, random_state=0).fit(x.astype(np.float64))
    guesses = (uniform(N, 50) * 4).astype(int)
    return {
        "inertia": found.inertia_,
        "silhouette": silhouette_score(x.astype(np.float64), classes),
        "guesses": guesses.tolist(),
        "nmi": normalized_mutual_info_score(classes, guesses),
        "ari": adjusted_rand_score(classes, guesses),
        "match": best_match(guesses, classes),
    }


def neighbours(x: np.ndarray, classes: np.ndarray, test: np.ndarray) -> dict:
    knn = KNeighborsClassifier(5, algorithm="brute").fit(x.astype(np.float64), classes)
    distances, indices = knn.kneighbors(test.astype(np.float64))
    return {"distances": distances.ravel().tolist(), "rows": indices.ravel().tolist()}


def probe(x: np.ndarray, classes: np.ndarray, test: np.ndarray) -> dict:
    """The loss is the mean cross-entropy plus 0.01/2·|w|²: C = 1/(n·0.01)."""
    scaler = StandardScaler().fit(x.astype(np.float64))
    fit = LogisticRegression(C=1 / (N * 0.01), tol=1e-10, max_iter=10000).fit(scaler.transform(x.astype(np.float64)), classes)
    return {"weights": fit.coef_.ravel().tolist(), "chances": fit.predict_proba(scaler.transform(test.astype(np.float64))).ravel().tolist()}


def mixture(x: np.ndarray, classes: np.ndarray, test: np.ndarray) -> dict:
    """EM from the true classes as first responsibilities, until it stands."""
    one_hot = np.eye(K)[classes]
    m = GaussianMixture(K, reg_covar=1e-3, tol=1e-12, max_iter=1000)
    m._initialize_parameters = lambda data, random_state: m._initialize(data, one_hot)
    m.fit(x.astype(np.float64))
    return {"weights": m.weights_.tolist(), "means": m.means_.ravel().tolist(), "densities": m.score_samples(test.astype(np.float64)).tolist()}


def affinities(x: np.ndarray) -> list[float]:
    squared = ((x.astype(np.float64)[:, None] - x.astype(np.float64)[None]) ** 2).sum(-1)
    return squareform(_t_sne._joint_probabilities(squared.astype(np.float32), 10.0, 0))[:6].ravel().tolist()


def ranking() -> dict:
    scores = np.floor(uniform(200, 60) * 40) / 8
    labels = uniform(200, 61) < 0.1 + 0.12 * scores
    at = precision_recall_fscore_support(labels, scores >= 3, average="binary")
    best = max(precision_recall_fscore_support(labels, scores >= t, average="binary")[2] for t in np.unique(scores))
    return {
        "scores": scores.tolist(),
        "labels": labels.tolist(),
        "auc": roc_auc_score(labels, scores),
        "ap": average_precision_score(labels, scores),
        "precision": at[0],
        "recall": at[1],
        "f1": at[2],
        "best": best,
    }


def main() -> None:
    x, classes = rows(N, 10)
    test, _ = rows(20, 20)
    pca = PCA(3, svd_solver="full").fit(x.astype(np.float64))
    images = [{"shape": s, "ssim": ssim(uniform(s[0] * s[1] * s[2], 70).astype(np.float32).reshape(s),
                                        (0.7 * uniform(s[0] * s[1] * s[2], 70) + 0.3 * uniform(s[0] * s[1] * s[2], 71)).astype(np.float32).reshape(s), 1.0)}
              for s in ([1, 28, 28], [3, 17, 12], [1, 8, 30])]
    golden = {
        "versions": {"numpy": np.__version__, "scipy": scipy.__version__, "scikit-learn": sklearn.__version__},
        "pca": {"variances": pca.explained_variance_.tolist(), "shares": pca.explained_variance_ratio_.tolist(),
                "components": signed(pca.components_).ravel().tolist()},
        "clusters": clusters(x, classes),
        "neighbours": neighbours(x, classes, test),
        "probe": probe(x, classes, test),
        "mixture": mixture(x, classes, test),
        "affinities": affinities(x),
        "ranking": ranking(),
        "quantiles": np.quantile(uniform(37, 80), np.linspace(0, 1, 9)).tolist(),
        "images": images,
    }
    path = pathlib.Path(__file__).parent.parent / "internal/analysis/testdata/golden.json"
    path.write_text(json.dumps(golden, indent=None, separators=(",", ":")).replace('],"', '],\n"') + "\n")


if __name__ == "__main__":
    main()
