"""What an optimization takes at the most, before anything is asked."""

from __future__ import annotations

from statistics import fmean

from pipeline.evaluate.answers import Work, look_work
from pipeline.evaluate.bench import Bench
from pipeline.evaluate.evaluation import Ready
from pipeline.llm import tokens
from pipeline.llm.prices import cost
from pipeline.optimize.optimize import Prepared
from pipeline.optimize.reflect import Reflection
from pipeline.optimize.search import Seen
from pipeline.prompt.variant import with_profile

_MEASURED = 20
"""Prompts that are made to know how long one is."""


def work(bench: Bench, made: Ready, prepared: Prepared) -> dict[str, Work]:
    """By who is asked: samples, looks, reflections. Without re-asking; kept replies are not known.

    Candidates are taken to be as long as the prompt is now.
    """
    order, samples = prepared.order, prepared.most_samples
    told = {made.writers[0].system.name: _samples(bench, made, samples)}
    if (profile := order.evaluation.verify) is not None:
        one = look_work(bench, made.orders, profile)
        share = samples / len(made.orders)
        tokens_in, tokens_out = (round(count * share) for count in (one.tokens_in, one.tokens_out))
        settings = bench.configs[profile].profile
        price = cost(settings, tokens_in, tokens_out)
        told[f"verify {profile}"] = Work(samples, tokens_in, tokens_out, price)
    told[f"reflect {order.reflect}"] = _reflections(bench, prepared)
    return told


def _samples(bench: Bench, made: Ready, samples: int) -> Work:
    writer = made.writers[0]
    profile = bench.configs[writer.system.profile].profile
    prompts = [
        with_profile(writer.variant.render(one.case.paper, one.text), profile)
        for one in made.orders[:_MEASURED]
    ]
    long = fmean(tokens.of_prompt(prompt) * profile.counting_factor for prompt in prompts)
    tokens_in, tokens_out = round(samples * long), samples * prompts[0].max_tokens
    return Work(samples, tokens_in, tokens_out, cost(profile, tokens_in, tokens_out))


def _reflections(bench: Bench, prepared: Prepared) -> Work:
    order = prepared.order
    settings = bench.configs[order.reflect].profile
    reflection = Reflection(bench, order.reflect, prepared.pieces, prepared.known)
    papers = [case.paper for case in prepared.parts.learn[: prepared.batch]]
    seen = [Seen(0.0, f"{paper.title}{paper.abstract}" + "简介" * 120) for paper in papers]
    piece = next(iter(prepared.pieces.free))
    asked = reflection.question(prepared.pieces.free, piece, seen, 0)
    calls = order.limits.proposals
    tokens_in = calls * tokens.of_messages(asked.messages, settings.counting_factor)
    tokens_out = calls * asked.sampling.max_tokens
    return Work(calls, tokens_in, tokens_out, cost(settings, tokens_in, tokens_out))
