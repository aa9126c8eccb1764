"""The three training stages in PyTorch: networks of stage I, one step of each stage. For checks and timings only.

Written from the description of the published training; `o` holds a stage's values under the names of our recipes. Images are (B, 3, H, W).
"""
import torch
import torch.nn.functional as F
from torch import nn

from codeformer import Codebook, Encoder, Generator


class Vqgan(nn.Module):
    def __init__(self, size, nf, mult, res_blocks, attention, emb, codes, groups=32, beta=0.25):
        super().__init__()
        self.encoder = Encoder(size, nf, mult, res_blocks, attention, emb, groups)
        self.quantize = Codebook(codes, emb)
        self.generator = Generator(size, nf, mult, res_blocks, attention, emb, groups)
        self.beta = beta
        nn.init.uniform_(self.quantize.embedding.weight, -1 / codes, 1 / codes)

    def nearest(self, z):
        """Codes (B, h, w) of features (B, D, h, w)."""
        rows, codebook = z.permute(0, 2, 3, 1).reshape(-1, z.shape[1]), self.quantize.embedding.weight
        distance = rows.square().sum(1, keepdim=True) + codebook.square().sum(1) - 2 * rows @ codebook.t()
        return distance.argmin(1).view(z.shape[0], *z.shape[2:])

    @torch.no_grad()
    def codes(self, image):
        return self.nearest(self.encoder.walk(image, keep))

    def forward(self, x):
        """(image, codebook loss); beta stands on the codebook's term, as released."""
        z = self.encoder.walk(x, keep)
        with torch.no_grad():
            codes = self.nearest(z)
        q = self.quantize.embedding(codes).permute(0, 3, 1, 2)
        loss = F.mse_loss(z, q.detach()) + self.beta * F.mse_loss(q, z.detach())
        return self.generator.walk(z + (q - z).detach(), keep), loss


def keep(_, h):
    return h


class Discriminator(nn.Module):
    def __init__(self, ndf, layers):
        super().__init__()
        widths = [ndf * min(2**n, 8) for n in range(layers + 1)]
        parts = [nn.Conv2d(3, ndf, 4, 2, 1), nn.LeakyReLU(0.2, inplace=True)]
        for n in range(1, layers + 1):
            parts += [nn.Conv2d(widths[n - 1], widths[n], 4, 2 if n < layers else 1, 1, bias=False), nn.BatchNorm2d(widths[n]),
                      nn.LeakyReLU(0.2, inplace=True)]
        self.main = nn.Sequential(*parts, nn.Conv2d(widths[-1], 1, 4, 1, 1))

    def forward(self, x):
        return self.main(x)


class Learner:
    """Adam and the averaged weights of what a network has to train."""

    def __init__(self, net, o, lr=None):
        self.parameters = [p for p in net.parameters() if p.requires_grad]
        self.adam = torch.optim.Adam(self.parameters, lr=lr or o["lr"], betas=(o["beta1"], o["beta2"]), weight_decay=o["weight_decay"], fused=True)
        self.average, self.decay = [p.detach().clone() for p in self.parameters], o["ema"]

    @torch.no_grad()
    def step(self):
        self.adam.step()
        torch._foreach_lerp_(self.average, self.parameters, 1 - self.decay)

    def clear(self):
        self.adam.zero_grad(set_to_none=True)


def image_loss(o, image, gt, critic, last_layer, losses):
    """L1, and with a discriminator the adversarial term under its adaptive weight. `losses` takes the single terms."""
    losses["l_g_pix"] = F.l1_loss(image, gt) * o["pixel_weight"]
    if critic is None:
        return losses["l_g_pix"]
    critic.requires_grad_(False)
    losses["g_gan_raw"] = -critic(image).mean()
    critic.requires_grad_(True)
    recon, losses["gan_grad_norm"] = (torch.autograd.grad(loss, last_layer, retain_graph=True)[0].norm()
                                      for loss in (losses["l_g_pix"], losses["g_gan_raw"]))
    adaptive = (recon / (losses["gan_grad_norm"] + 1e-4)).clamp(0, o["adaptive_max"]).detach()
    return losses["l_g_pix"] + adaptive * o["gan_weight"] * losses["g_gan_raw"]


def judge(critic, gt, image, losses):
    """Gradients of the hinge loss, real and fake one after the other so that BatchNorm sees each alone."""
    losses["l_d_real"] = F.relu(1 - critic(gt)).mean()
    losses["l_d_real"].backward()
    losses["l_d_fake"] = F.relu(1 + critic(image.detach())).mean()
    losses["l_d_fake"].backward()


def code_loss(o, net, logits, lq, target, losses):
    """Stages II and III: features towards the wanted codes' vectors, and cross-entropy of the codes."""
    wanted = net.quantize.embedding(target).permute(0, 3, 1, 2).detach()
    losses["l_feat_encoder"] = F.mse_loss(lq, wanted) * o["feature_weight"]
    losses["cross_entropy_loss"] = F.cross_entropy(logits.flatten(0, 1), target.flatten()) * o["entropy_weight"]
    return losses["l_feat_encoder"] + losses["cross_entropy_loss"]


class Stage1:
    """gan: with the discriminator, as behind gan_start."""

    def __init__(self, o, net, critic=None):
        self.o, self.net, self.critic = o, net, critic
        self.learner = Learner(net, o)
        self.judge = Learner(critic, o, o["lr_d"]) if critic else None

    def gradients(self, gt):
        losses = {}
        image, losses["l_codebook"] = self.net(gt)
        total = image_loss(self.o, image, gt, self.critic, self.net.generator.blocks[-1].weight, losses)
        (total + self.o["codebook_weight"] * losses["l_codebook"]).backward()
        if self.critic:
            judge(self.critic, gt, image, losses)
        return losses

    def step(self, gt, _):
        return stepped(self, self.gradients(gt))


class Stage2:
    def __init__(self, o, net, vqgan):
        self.o, self.net, self.vqgan, self.judge = o, frozen(net), vqgan.requires_grad_(False), None
        self.learner = Learner(net, o)

    def gradients(self, gt, lq):
        losses = {}
        _, logits, features = self.net(lq, code_only=True)
        code_loss(self.o, self.net, logits, features, self.vqgan.codes(gt), losses).backward()
        return losses

    def step(self, gt, lq):
        return stepped(self, self.gradients(gt, lq))


class Stage3:
    """The steps on images; those on codes alone are stage II's."""

    def __init__(self, o, net, vqgan, w, critic=None):
        self.o, self.net, self.vqgan, self.w, self.critic = o, frozen(net), vqgan.requires_grad_(False), w, critic
        self.learner = Learner(net, o)
        self.judge = Learner(critic, o, o["lr_d"]) if critic else None

    def gradients(self, gt, lq):
        losses = {}
        image, logits, features = self.net(lq, self.w, adain=False)
        last_layer = list(self.net.fuse_convs_dict.values())[-1].shift[2].weight
        tokens = code_loss(self.o, self.net, logits, features, self.vqgan.codes(gt), losses)
        (tokens + image_loss(self.o, image, gt, self.critic, last_layer, losses)).backward()
        if self.critic:
            judge(self.critic, gt, image, losses)
        return losses

    def step(self, gt, lq):
        return stepped(self, self.gradients(gt, lq))


def frozen(net):
    net.quantize.requires_grad_(False)
    net.generator.requires_grad_(False)
    return net


def stepped(stage, losses):
    for learner in filter(None, (stage.learner, stage.judge)):
        learner.step()
        learner.clear()
    return losses
