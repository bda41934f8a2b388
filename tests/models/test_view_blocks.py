import torch

from raysynth.models.view_blocks import EMBEDDING, KEYS, DepthAttention, ResidualBlock


def test_depth_attention_can_pick_one_sample() -> None:
    attend = DepthAttention(channels=8, values=8, depth=4)
    torch.nn.init.zeros_(attend.query.weight)
    assert attend.query.bias is not None
    torch.nn.init.ones_(attend.query.bias)
    torch.nn.init.eye_(attend.leave.weight[:, :, 0, 0])
    assert attend.leave.bias is not None
    torch.nn.init.zeros_(attend.leave.bias)
    frustum = torch.randn(2, KEYS + 8, 4, 5, 5, generator=torch.Generator().manual_seed(0))
    frustum[:, :KEYS] = 0
    frustum[:, :KEYS, 2] = 100.0
    torch.testing.assert_close(attend(torch.zeros(2, 8, 5, 5), frustum), frustum[:, KEYS:, 2])


def test_a_fresh_block_passes_its_input_on_but_for_a_constant() -> None:
    block = ResidualBlock(3, 8, 8)
    x = torch.randn(1, 8, 4, 4, 4, generator=torch.Generator().manual_seed(0))
    added = block(x, torch.ones(1, EMBEDDING)) - x
    torch.testing.assert_close(added, added[:, :, :1, :1, :1].expand_as(added), atol=1e-6, rtol=0)
