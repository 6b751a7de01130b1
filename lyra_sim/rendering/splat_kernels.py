"""Compiled loops of the CPU splat rasteriser: front-to-back blending in bands of image rows, and its gradients.

Bands, not tiles: within a band each splat visits only the exact span of its ellipse on each row, so work follows the
pixels covered. Bands are independent, which makes the result the same for any number of threads.

The way back walks the same lists front to back once more. What lies behind a splat on a pixel is the final sum less the
sum so far, so nothing per pixel and splat has to be kept. Every pair of splat and band writes a slot of its own; the
slots of a splat are then added in order. No two threads write one number.
"""

import math

import numpy as np
from numba import njit, prange

from lyra_sim.rendering.simd_kernels import LANES, every, load, multiply_add, numbered, power_of_two, store, total, where_less

BAND_ROWS = 8
"""Rows of the image that one thread draws at once. Convention."""
MAX_ALPHA = 0.99
"""No splat blocks more light than this (Kerbl et al. 2023). Convention."""
MIN_TRANSMITTANCE = 1e-4
"""A pixel is closed once less light than this passes; the splat that closes it still counts. Convention."""
OPEN_CHECK_SPLATS = 64
"""A band is asked after so many splats whether any light still passes. Convention."""
MOMENTS = 6
"""Over the pixels of a splat, of the gradient of its exponent: 1, u, u^2, dy, u dy, dy^2, with u as in ``pack_ellipses``.
Derived."""


@njit
def span(ellipse, dy, width):
    """First and last+1 pixel of a row that the ellipse covers, last ≤ first where it covers none; and the row's middle."""
    middle, square = ellipse[0] - ellipse[2] * dy, ellipse[6] - ellipse[7] * dy * dy
    if not square > 0:
        return 0, 0, middle
    half, end = math.sqrt(square), np.float32(width)
    # a pixel counts where its centre, at one half, lies inside; what is cut to whole numbers here is never negative
    first = min(max(middle - half + np.float32(0.5), np.float32(0)), end)
    last = min(max(middle + half + np.float32(0.5), np.float32(0)), end)
    return int(first), int(last), middle


@njit
def lane_alphas(x, x_last, middle, ellipse, drop, open_light):
    """Of eight pixels from ``x`` on: u, alpha before it is held at MAX_ALPHA, and alpha, 0 where nothing is to be drawn.

    Args:
        x, x_last: First pixel, and the one after the last that the splat covers in this row.
        middle: The splat's middle in this row [px].
        ellipse: Of ``pack_ellipses`` (8,).
        drop: Its exponent's part that is the same all along the row.
        open_light: Light that still passes on each of the eight pixels.
    """
    u = numbered() + every(np.float32(x) + np.float32(0.5) - middle)
    raw = every(ellipse[5]) * power_of_two(multiply_add(u * u, every(ellipse[3]), every(drop)))
    most, zero = every(np.float32(MAX_ALPHA)), every(np.float32(0))
    alpha = where_less(raw, most, raw, most)
    alpha = where_less(every(np.float32(x_last - x) - np.float32(0.5)), numbered(), zero, alpha)
    return u, raw, where_less(open_light, every(np.float32(MIN_TRANSMITTANCE)), zero, alpha)


@njit
def any_open(open_light):
    """Whether light still passes anywhere; the length is a multiple of the lanes, and the padding is 0."""
    found, one, zero = every(np.float32(0)), every(np.float32(1)), every(np.float32(0))
    for i in range(0, open_light.size, LANES):
        found = found + where_less(load(open_light, i), every(np.float32(MIN_TRANSMITTANCE)), zero, one)
    return total(found) > 0


@njit
def blend_band(band, ellipses, rows, features, offsets, ranks, colors, z_depth, transmittance):
    """One band of ``blend``, in planes of its own that fit the cache: rows × (features, open light) × padded width.

    Args:
        band: Its number.
        ellipses, rows: Of ``pack_ellipses``, by rank (v, 8), (v, 2).
        features: Of ``pack_features``, by rank (v, f).
        offsets, ranks: Splats of each band, front to back (bands + 1,), (pairs,).
        colors, z_depth, transmittance: Of the image (h, w, c), (h, w), (h, w), written where the band is.
    """
    height, width, channels = colors.shape
    first, last = band * BAND_ROWS, min(height, (band + 1) * BAND_ROWS)
    stride, planes = (width // LANES + 2) * LANES, features.shape[1]
    row_stride = planes * stride
    open_light, sums = np.zeros((last - first) * stride, np.float32), np.zeros((last - first) * row_stride, np.float32)
    for row in range(last - first):
        open_light[row * stride : row * stride + width] = 1
    one = every(np.float32(1))
    for k in range(offsets[band], offsets[band + 1]):
        if (k - offsets[band]) % OPEN_CHECK_SPLATS == 0 and not any_open(open_light):
            break
        rank = ranks[k]
        ellipse, feature = ellipses[rank], features[rank]
        for y in range(max(first, rows[rank, 0]), min(last, rows[rank, 1])):
            dy = np.float32(y) + np.float32(0.5) - ellipse[1]
            x_first, x_last, middle = span(ellipse, dy, width)
            drop = ellipse[4] * dy * dy
            at_row = (y - first) * row_stride
            for x in range(x_first, x_last, LANES):
                at = (y - first) * stride + x
                t = load(open_light, at)
                _, _, alpha = lane_alphas(x, x_last, middle, ellipse, drop, t)
                weight = alpha * t
                store(open_light, at, t * (one - alpha))
                at = at_row + x
                for j in range(0, planes, 4):
                    store(sums, at, multiply_add(weight, every(feature[j]), load(sums, at)))
                    at += stride
                    store(sums, at, multiply_add(weight, every(feature[j + 1]), load(sums, at)))
                    at += stride
                    store(sums, at, multiply_add(weight, every(feature[j + 2]), load(sums, at)))
                    at += stride
                    store(sums, at, multiply_add(weight, every(feature[j + 3]), load(sums, at)))
                    at += stride
    for row in range(last - first):
        transmittance[first + row] = open_light[row * stride : row * stride + width]
        for j in range(channels):
            at = (row * planes + j) * stride
            colors[first + row, :, j] = sums[at : at + width]
        at = (row * planes + channels) * stride
        z_depth[first + row] = sums[at : at + width]


@njit
def scatter_step(count):
    """A step without a common divisor with ``count``, near the golden section: i · step mod count scatters neighbours.

    Threads take contiguous parts of a loop; bands of a crowded part of the image should not all fall to one of them.
    """
    step = max(1, int(0.618 * count))
    while math.gcd(step, count) != 1:
        step += 1
    return step


@njit(parallel=True, cache=True)
def blend(ellipses, rows, features, offsets, ranks, width, height, channels):
    """Front-to-back alpha blending: colours (h, w, c) and z-depth (h, w), weighted sums; remaining transmittance (h, w).

    Args:
        ellipses, rows: Of ``pack_ellipses``, by rank (v, 8), (v, 2).
        features: Of ``pack_features``, by rank (v, f).
        offsets, ranks: Splats of each band, front to back (bands + 1,), (pairs,).
        width, height: Of the image [px].
        channels: Of the colours.
    """
    colors = np.empty((height, width, channels), np.float32)
    z_depth, transmittance = np.empty((height, width), np.float32), np.empty((height, width), np.float32)
    count = offsets.size - 1
    step = scatter_step(count)
    for i in prange(count):
        blend_band(i * step % count, ellipses, rows, features, offsets, ranks, colors, z_depth, transmittance)
    return colors, z_depth, transmittance


@njit
def blend_band_backward(
    band,
    ellipses,
    rows,
    features,
    offsets,
    ranks,
    first_slots,
    colors,
    z_depth,
    transmittance,
    g_colors,
    g_z_depth,
    g_alpha,
    slots,
):
    """One band of ``blend_backward``.

    Args:
        band: Its number.
        ellipses, rows: Of ``pack_ellipses``, by rank (v, 8), (v, 2).
        features: Of ``pack_features``, by rank (v, f).
        offsets, ranks: Splats of each band, front to back (bands + 1,), (pairs,).
        first_slots: Where each splat's pairs begin (v + 1,).
        colors, z_depth, transmittance: What :func:`blend` returned.
        g_colors, g_z_depth, g_alpha: Gradients asked of it (h, w, c), (h, w), (h, w).
        slots: Of all pairs (pairs, 6 + c + 1), written for those of the band.
    """
    height, width, channels = colors.shape
    first, last = band * BAND_ROWS, min(height, (band + 1) * BAND_ROWS)
    stride, planes = (width // LANES + 2) * LANES, features.shape[1]
    row_stride = planes * stride
    open_light, behind = np.zeros((last - first) * stride, np.float32), np.zeros((last - first) * stride, np.float32)
    asked = np.zeros((last - first) * row_stride, np.float32)
    for row in range(last - first):
        y, at, at_row = first + row, row * stride, row * row_stride
        for x in range(width):
            # gradient-weighted sum of all that is still to come on a pixel; the background counts against alpha
            ahead = g_z_depth[y, x] * z_depth[y, x] - g_alpha[y, x] * transmittance[y, x]
            for j in range(channels):
                asked[at_row + j * stride + x] = g_colors[y, x, j]
                ahead += g_colors[y, x, j] * colors[y, x, j]
            asked[at_row + channels * stride + x] = g_z_depth[y, x]
            behind[at + x], open_light[at + x] = ahead, 1
    zero, one, most = every(np.float32(0)), every(np.float32(1)), every(np.float32(MAX_ALPHA))
    feature_sums = np.zeros(planes * LANES, np.float32)
    for k in range(offsets[band], offsets[band + 1]):
        if (k - offsets[band]) % OPEN_CHECK_SPLATS == 0 and not any_open(open_light):
            break
        rank = ranks[k]
        ellipse, feature = ellipses[rank], features[rank]
        s, su, suu, sv, suv, svv = zero, zero, zero, zero, zero, zero
        for j in range(planes):
            store(feature_sums, j * LANES, zero)
        for y in range(max(first, rows[rank, 0]), min(last, rows[rank, 1])):
            dy = np.float32(y) + np.float32(0.5) - ellipse[1]
            x_first, x_last, middle = span(ellipse, dy, width)
            drop = ellipse[4] * dy * dy
            at_row = (y - first) * row_stride
            row_s, row_su = zero, zero
            for x in range(x_first, x_last, LANES):
                at, at_asked = (y - first) * stride + x, at_row + x
                t, rest = load(open_light, at), load(behind, at)
                u, raw, alpha = lane_alphas(x, x_last, middle, ellipse, drop, t)
                weight, own = alpha * t, zero
                for j in range(0, planes, 4):
                    own = add_feature(own, weight, feature[j], asked, at_asked, feature_sums, j * LANES)
                    at_asked += stride
                    own = add_feature(own, weight, feature[j + 1], asked, at_asked, feature_sums, (j + 1) * LANES)
                    at_asked += stride
                    own = add_feature(own, weight, feature[j + 2], asked, at_asked, feature_sums, (j + 2) * LANES)
                    at_asked += stride
                    own = add_feature(own, weight, feature[j + 3], asked, at_asked, feature_sums, (j + 3) * LANES)
                    at_asked += stride
                rest = rest - weight * own
                store(behind, at, rest)
                store(open_light, at, t * (one - alpha))
                slope = alpha * (t * own - rest / (one - alpha))
                slope = where_less(raw, most, slope, zero)
                row_s = row_s + slope
                along = slope * u
                row_su = row_su + along
                suu = multiply_add(along, u, suu)
            v = every(dy)
            s, su = s + row_s, su + row_su
            along = row_s * v
            sv, suv, svv = sv + along, multiply_add(row_su, v, suv), multiply_add(along, v, svv)
        slot = first_slots[rank] + band - rows[rank, 0] // BAND_ROWS
        slots[slot, 0], slots[slot, 1], slots[slot, 2] = total(s), total(su), total(suu)
        slots[slot, 3], slots[slot, 4], slots[slot, 5] = total(sv), total(suv), total(svv)
        for j in range(channels + 1):
            slots[slot, MOMENTS + j] = total(load(feature_sums, j * LANES))


@njit
def add_feature(own, weight, feature, asked, at_asked, feature_sums, at_sums):
    """Adds what is asked of one channel to the splat's own part in it, and to the gradient of its feature.

    Args:
        own: The splat's own part so far, on eight pixels.
        weight: Its weight there.
        feature: Its value in the channel.
        asked: Gradients of the band's pixels, channel by channel.
        at_asked: Where those of the eight pixels begin.
        feature_sums: Gradients of the features on eight lanes, added to.
        at_sums: Where the channel's lanes begin.
    """
    gradient = load(asked, at_asked)
    store(feature_sums, at_sums, multiply_add(weight, gradient, load(feature_sums, at_sums)))
    return multiply_add(gradient, every(feature), own)


@njit(parallel=True, cache=True)
def blend_backward(
    ellipses, rows, features, offsets, ranks, first_slots, colors, z_depth, transmittance, g_colors, g_z_depth, g_alpha
):
    """One slot (pairs, 6 + c + 1) per pair of splat and band: the moments, then the gradients of colours and z-depth.

    Args:
        ellipses, rows: Of ``pack_ellipses``, by rank (v, 8), (v, 2).
        features: Of ``pack_features``, by rank (v, f).
        offsets, ranks: Splats of each band, front to back (bands + 1,), (pairs,).
        first_slots: Where each splat's pairs begin (v + 1,).
        colors, z_depth, transmittance: What :func:`blend` returned.
        g_colors, g_z_depth, g_alpha: Gradients asked of it (h, w, c), (h, w), (h, w).
    """
    slots = np.zeros((ranks.size, MOMENTS + colors.shape[2] + 1), np.float32)
    count = offsets.size - 1
    step = scatter_step(count)
    for i in prange(count):
        blend_band_backward(
            i * step % count,
            ellipses,
            rows,
            features,
            offsets,
            ranks,
            first_slots,
            colors,
            z_depth,
            transmittance,
            g_colors,
            g_z_depth,
            g_alpha,
            slots,
        )
    return slots


@njit(parallel=True, cache=True)
def gather_slots(order, first_slots, slots, conics, opacities):
    """Slots added per splat, upper band to lower, and turned into gradients: zero for splats that aren't drawn.

    Returns those of centres (n, 2), conics (n, 3), z-depth (n,), opacities (n,) and colours (n, c).
    """
    n, channels = conics.shape[0], slots.shape[1] - MOMENTS - 1
    g_centres, g_conics, g_z_depth = np.zeros((n, 2), np.float32), np.zeros((n, 3), np.float32), np.zeros(n, np.float32)
    g_opacities, g_colors = np.zeros(n, np.float32), np.zeros((n, channels), np.float32)
    for rank in prange(order.size):
        g = order[rank]
        s, su, suu, sv, suv, svv = 0.0, 0.0, 0.0, 0.0, 0.0, 0.0
        for slot in range(first_slots[rank], first_slots[rank + 1]):
            s, su, suu = s + slots[slot, 0], su + slots[slot, 1], suu + slots[slot, 2]
            sv, suv, svv = sv + slots[slot, 3], suv + slots[slot, 4], svv + slots[slot, 5]
            for j in range(channels):
                g_colors[g, j] += slots[slot, MOMENTS + j]
            g_z_depth[g] += slots[slot, MOMENTS + channels]
        # the exponent is -a/2 u^2 - across/2 dy^2, with u = dx + slant dy, slant = b/a, across = c - b^2/a
        a, slant = np.float64(conics[g, 0]), np.float64(conics[g, 1]) / np.float64(conics[g, 0])
        across = np.float64(conics[g, 2]) - slant * np.float64(conics[g, 1])
        g_centres[g, 0], g_centres[g, 1] = a * su, a * slant * su + across * sv
        g_conics[g, 0] = -0.5 * suu + slant * suv - 0.5 * slant * slant * svv
        g_conics[g, 1], g_conics[g, 2] = -suv + slant * svv, -0.5 * svv
        g_opacities[g] = s / opacities[g]
    return g_centres, g_conics, g_z_depth, g_opacities, g_colors
