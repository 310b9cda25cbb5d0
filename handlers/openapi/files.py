"""Files: those that callers store, and those that answers have made."""

from typing import Final

from handlers.files import LONGEST_LIFE, MAX_PAGE, PURPOSES, SHORTEST_LIFE
from handlers.openapi.operations import (
    ADMITTED,
    KEY,
    KEYED,
    OPEN,
    UNCHANGED,
    WITH_BODY,
    Family,
    Operation,
    answer,
    binary,
    form_body,
    in_header,
    in_path,
    in_query,
    json_answer,
    operation,
    read_only,
)
from handlers.openapi.schemas import integer, one_of, page_of, record, ref, text, whole

_FILE: Final = whole(
    {
        "id": text(),
        "object": {"const": "file"},
        "bytes": integer(minimum=0),
        "created_at": integer("Unix seconds."),
        "expires_at": integer("Unix seconds."),
        "filename": text(),
        "purpose": one_of("It makes no difference here.", *PURPOSES),
        "status": {"const": "processed"},
        "status_details": {"type": "null"},
    },
    without=("expires_at",),
)
_FORM: Final = record(
    {
        "file": binary("One file."),
        "purpose": one_of("It makes no difference here.", *PURPOSES),
        "expires_after[anchor]": one_of("From when on the file's life is counted.", "created_at"),
        "expires_after[seconds]": integer(minimum=SHORTEST_LIFE, maximum=LONGEST_LIFE),
    },
    required=("file", "purpose"),
) | {
    "dependentRequired": {
        "expires_after[anchor]": ["expires_after[seconds]"],
        "expires_after[seconds]": ["expires_after[anchor]"],
    }
}
_ID: Final = in_path("file_id", "The id of a file.")
_BYTES: Final = "application/octet-stream"

FILES: Final = Family(
    name="Files",
    about="Files that a caller stores, and names by their ids in later requests.",
    paths={
        "/v1/files": {
            **read_only(
                operation(
                    "listFiles",
                    "The caller's files.",
                    json_answer(page_of(ref("File"))),
                    KEYED,
                    parameters=(
                        in_query("limit", integer(minimum=1, maximum=MAX_PAGE, default=MAX_PAGE)),
                        in_query("order", text(enum=["asc", "desc"], default="desc")),
                        in_query("after", text("The id of the file before the page.")),
                        in_query("purpose", text("Only files of this purpose.")),
                    ),
                )
            ),
            "post": operation(
                "storeFile",
                "Store a file.",
                json_answer(ref("File")),
                (*WITH_BODY, *ADMITTED),
                body=form_body(_FORM),
            ),
        },
        "/v1/files/{file_id}": {
            **read_only(
                operation(
                    "getFile",
                    "What is known of a file.",
                    json_answer(ref("File")),
                    (*KEYED, 404),
                    parameters=(_ID,),
                )
            ),
            "delete": operation(
                "deleteFile",
                "Delete a file.",
                json_answer(whole({"id": text(), "object": {"const": "file"}, "deleted": {"const": True}})),
                (*KEYED, 404),
                parameters=(_ID,),
            ),
        },
        "/v1/files/{file_id}/content": read_only(
            operation(
                "getFileContent",
                "The bytes of a file.",
                {200: answer("The file.", {_BYTES: binary("The file.")})},
                (*KEYED, 404),
                parameters=(_ID,),
            )
        ),
    },
    schemas={"File": _FILE},
)


def _stored(id: str, summary: str, *, keyed: bool) -> Operation:
    """A file that an answer has made."""
    place = [in_path("container_id", "The container that a citation names.")] if keyed else []
    about = {"*/*": binary("The file, or the part of it that was asked for.")}
    ranges = {"Content-Range": {"description": "Which part it is.", "schema": text(), "required": True}}
    return operation(
        id,
        summary,
        {200: answer("The file.", about), 206: answer("A part of the file.", about, ranges), 304: UNCHANGED},
        (*(KEYED if keyed else ()), 404, 416),
        parameters=(
            *place,
            in_path("name", "The name of the file, which cannot be guessed."),
            in_header("Range", "One range of bytes."),
            in_header("If-Range", "The tag of the file that the range is of."),
            in_header("If-None-Match", "Tags of files that the client has."),
        ),
        security=KEY if keyed else OPEN,
    )


CONTAINERS: Final = Family(
    name="Containers",
    about="Files that programs of the backend have made, as citations name them.",
    paths={
        "/v1/containers/{container_id}/files/{name}/content": read_only(
            _stored("getContainerFile", "A file that a program has made.", keyed=True)
        )
    },
    schemas={},
)
MEDIA: Final = Family(
    name="Media",
    about="Pictures and files of answers, for whoever has their address.",
    paths={
        "/images/{name}": read_only(_stored("getPicture", "A picture of an answer.", keyed=False)),
        "/files/{name}": read_only(_stored("getAnswerFile", "A file of an answer.", keyed=False)),
    },
    schemas={},
    prefixed=False,
)
