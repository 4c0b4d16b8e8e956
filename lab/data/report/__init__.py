"""The evidence of one dossier as a report of two pages: French or English, HTML or PDF."""

from lab.data.report.content import Subject, report_of
from lab.data.report.html import STYLE_HASH, write_html
from lab.data.report.model import Report

__all__ = ["STYLE_HASH", "Report", "Subject", "report_of", "write_html"]
