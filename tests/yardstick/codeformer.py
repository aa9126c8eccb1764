"""CodeFormer in PyTorch, for checks and timings only: nothing of the program uses it.

Written from a description of the network (Zhou et al., "Towards robust blind face restoration with codebook lookup
transformer", NeurIPS 2022); the state dict has the names of the published checkpoints and loads strictly.
Maps are NCHW, tokens (T, B, E), images RGB in [-1, 1].
"""
import torch
import torch.nn.functional as F
from torch import nn


def norm(channels, groups=32):
    return nn.GroupNorm(groups, channels, eps=1e-6)


def conv3x3(cin, cout):
    return nn.Conv2d(cin, cout, 3, padding=1)


class ResBlock(nn.Module):
    def __init__(self, cin, cout, groups=32):
        super().__init__()
        self.norm1, self.conv1 = norm(cin, groups), conv3x3(cin, cout)
        self.norm2, self.conv2 = norm(cout, groups), conv3x3(cout, cout)
        if cin != cout:
            self.conv_out = nn.Conv2d(cin, cout, 1)

    def forward(self, x):
        h = self.conv1(F.silu(self.norm1(x)))
        h = self.conv2(F.silu(self.norm2(h)))
        return h + (self.conv_out(x) if hasattr(self, "conv_out") else x)


class AttnBlock(nn.Module):
    """One head over all positions."""

    def __init__(self, c, groups=32):
        super().__init__()
        self.norm = norm(c, groups)
        self.q, self.k, self.v, self.proj_out = (nn.Conv2d(c, c, 1) for _ in range(4))

    def forward(self, x):
        h = self.norm(x)
        q, k, v = (f(h).flatten(2).transpose(1, 2) for f in (self.q, self.k, self.v))
        y = F.scaled_dot_product_attention(q, k, v)  # scale 1 / sqrt(c)
        return x + self.proj_out(y.transpose(1, 2).reshape(x.shape))


class Downsample(nn.Module):
    def __init__(self, c):
        super().__init__()
        self.conv = nn.Conv2d(c, c, 3, stride=2)

    def forward(self, x):
        return self.conv(F.pad(x, (0, 1, 0, 1)))


class Upsample(nn.Module):
    def __init__(self, c):
        super().__init__()
        self.conv = conv3x3(c, c)

    def forward(self, x):
        return self.conv(F.interpolate(x, scale_factor=2.0, mode="nearest"))


class Blocks(nn.Module):
    """A flat list applied in order; `site` is the block of each level, by its resolution, where features are joined."""

    def __init__(self):
        super().__init__()
        self.blocks, self.site = nn.ModuleList(), {}

    def add(self, *blocks):
        self.blocks.extend(blocks)

    def walk(self, x, visit):
        for i, block in enumerate(self.blocks):
            x = visit(i, block(x))
        return x


class Encoder(Blocks):
    def __init__(self, size, nf, mult, res_blocks, attention, emb, groups=32):
        super().__init__()
        self.add(conv3x3(3, nf))
        c = nf
        for level, m in enumerate(mult):
            resolution = size >> level
            for _ in range(res_blocks):
                self.add(ResBlock(c, nf * m, groups))
                c = nf * m
                self.site[resolution] = len(self.blocks) - 1
                if resolution in attention:
                    self.add(AttnBlock(c, groups))
            if level + 1 < len(mult):
                self.add(Downsample(c))
        self.add(ResBlock(c, c, groups), AttnBlock(c, groups), ResBlock(c, c, groups), norm(c, groups), conv3x3(c, emb))


class Generator(Blocks):
    def __init__(self, size, nf, mult, res_blocks, attention, emb, groups=32):
        super().__init__()
        c = nf * mult[-1]
        self.add(conv3x3(emb, c), ResBlock(c, c, groups), AttnBlock(c, groups), ResBlock(c, c, groups))
        for level in reversed(range(len(mult))):
            resolution = size >> level
            for i in range(res_blocks):
                self.add(ResBlock(c, nf * mult[level], groups))
                c = nf * mult[level]
                if i == 0 or resolution in attention:
                    self.site[resolution] = len(self.blocks) - 1
                if resolution in attention:
                    self.add(AttnBlock(c, groups))
            if level > 0:
                self.add(Upsample(c))
        self.add(norm(c, groups), conv3x3(c, 3))


class Codebook(nn.Module):
    def __init__(self, codes, width):
        super().__init__()
        self.embedding = nn.Embedding(codes, width)


class TransformerLayer(nn.Module):
    def __init__(self, width, heads):
        super().__init__()
        self.self_attn = nn.MultiheadAttention(width, heads)
        self.linear1, self.linear2 = nn.Linear(width, 2 * width), nn.Linear(2 * width, width)
        self.norm1, self.norm2 = nn.LayerNorm(width), nn.LayerNorm(width)

    def forward(self, x, position):
        a = self.norm1(x)
        x = x + self.self_attn(a + position, a + position, a, need_weights=False)[0]
        return x + self.linear2(F.gelu(self.linear1(self.norm2(x))))


class Fuse(nn.Module):
    def __init__(self, c, groups=32):
        super().__init__()
        self.encode_enc = ResBlock(2 * c, c, groups)
        self.scale, self.shift = (nn.Sequential(conv3x3(c, c), nn.LeakyReLU(0.2, inplace=True), conv3x3(c, c)) for _ in range(2))

    def forward(self, enc, dec, w):
        e = self.encode_enc(torch.cat([enc, dec], 1))
        return dec + w * (dec * self.scale(e) + self.shift(e))


def ada_in(content, style):
    def statistics(x):
        flat = x.flatten(2)
        return flat.mean(2)[..., None, None], (flat.var(2) + 1e-5).sqrt()[..., None, None]

    (mean_c, std_c), (mean_s, std_s) = statistics(content), statistics(style)
    return (content - mean_c) / std_c * std_s + mean_s


class CodeFormer(nn.Module):
    def __init__(self, size=512, nf=64, mult=(1, 2, 2, 4, 4, 8), res_blocks=2, attention=(16,), emb=256, codes=1024, width=512, heads=8,
                 layers=9, connect=(32, 64, 128, 256), taps=None, sites=None, groups=32):
        super().__init__()
        self.position_emb = nn.Parameter(torch.zeros((size >> (len(mult) - 1)) ** 2, width))
        self.encoder = Encoder(size, nf, mult, res_blocks, attention, emb, groups)
        self.quantize = Codebook(codes, emb)
        self.generator = Generator(size, nf, mult, res_blocks, attention, emb, groups)
        self.feat_emb = nn.Linear(emb, width)
        self.ft_layers = nn.ModuleList(TransformerLayer(width, heads) for _ in range(layers))
        self.idx_pred_layer = nn.Sequential(nn.LayerNorm(width), nn.Linear(width, codes, bias=False))
        channels = {size >> level: nf * m for level, m in enumerate(mult)}
        self.fuse_convs_dict = nn.ModuleDict({str(r): Fuse(channels[r], groups) for r in connect})
        self.taps = taps or {r: self.encoder.site[r] for r in connect}
        self.sites = sites or {r: self.generator.site[r] for r in connect}

    def forward(self, x, w=0.0, adain=True, code_only=False):
        """(image, logits, lq_feat) for x (B, 3, H, W); the image is None with code_only."""
        fused, tapped = w > 0, {}

        def tap(i, h):
            for r, block in self.taps.items():
                if fused and i == block:
                    tapped[r] = h.detach()  # the fusion does not train the encoder
            return h

        lq = self.encoder.walk(x, tap)
        tokens = self.feat_emb(lq.flatten(2).permute(2, 0, 1))
        position = self.position_emb[:, None]
        for layer in self.ft_layers:
            tokens = layer(tokens, position)
        logits = self.idx_pred_layer(tokens).transpose(0, 1)
        if code_only:
            return None, logits, lq
        codes = self.quantize.embedding(logits.argmax(2)).transpose(1, 2).reshape(lq.shape)
        if adain:
            codes = ada_in(codes, lq)

        def fuse(i, h):
            for r, block in self.sites.items():
                if fused and i == block:
                    h = self.fuse_convs_dict[str(r)](tapped.pop(r), h, w)
            return h

        return self.generator.walk(codes, fuse), logits, lq
