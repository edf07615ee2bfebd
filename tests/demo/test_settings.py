from pipeline.demo.settings import arxiv_at, variables
from pipeline.settings import ArxivSettings


def test_every_address_and_wait_is_changed() -> None:
    arxiv = arxiv_at("http://127.0.0.1:9", ArxivSettings())
    addresses = {name: str(value) for name, value in arxiv if name.endswith("_url")}
    assert addresses == {
        "feed_url": "http://127.0.0.1:9/rss/",
        "api_url": "http://127.0.0.1:9/api/query",
        "list_url": "http://127.0.0.1:9/list/",
        "catchup_url": "http://127.0.0.1:9/catchup/",
        "oai_url": "http://127.0.0.1:9/oai",
        "pdf_url": "http://127.0.0.1:9/pdf/",
    }
    assert (arxiv.interval_s, arxiv.pdf_interval_s, arxiv.pdf_not_ready_s) == (0, 0, 0)
    assert arxiv.timeout_s == ArxivSettings().timeout_s


def test_variables_say_the_same_to_another_shell() -> None:
    lines = variables(arxiv_at("http://127.0.0.1:9", ArxivSettings()))
    assert "export JIANJIE_ARXIV__OAI_URL=http://127.0.0.1:9/oai" in lines
    assert "export JIANJIE_ARXIV__PDF_NOT_READY_S=0.0" in lines
    assert len(lines) == 9
