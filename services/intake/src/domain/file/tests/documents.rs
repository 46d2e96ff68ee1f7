//! Objects that hide.

use super::{super::samples::*, Rule, check_pdf};

/// What becomes of a document with a program in a stream that has this dictionary.
fn with_program(dictionary: &str) -> Result<(), Rule> {
    let program = b"6 0 << /S /JavaScript /JS (app.alert(1)) >>";
    check_pdf(&pdf_with(&packed_as(dictionary, program)))
}

#[test]
fn a_stream_of_objects_is_known_however_it_is_written() {
    for dictionary in [
        "/Type /ObjStm /N 1 /First 4 /Filter /FlateDecode",
        "/Type /ObjStm /N 1 /First 4 /Filter /FlateDecode /X (obj)",
        "/Type /ObjStm /N 1 /First 4 /Filter /FlateDecode /X (9 0 obj << )",
        "/Type /ObjStm /N 1 /First 4 /Filter /FlateDecode /X (stream )",
        "/Type /ObjStm /N 1 /First 4 /Filter /FlateDecode /X (endstream)",
        "/X (endstream) /Type /ObjStm /N 1 /First 4 /Filter /FlateDecode",
        "/Type /ObjStm /N 1 /First 4 /Filter /FlateDecode %)\n/X <6F626A>",
        "/Type/Obj#53tm/N 1/First 4/Filter/Flate#44ecode",
        "/Type /ObjStm /N 1 /First 4 /Filter [ /FlateDecode ]",
        "/Type /ObjStm /N 1 /First 4 /Filter [/Fl]",
        "/Type 9 0 R /N 1 /First 4 /Filter /FlateDecode /X (>> \\) <<)",
        "/N 1 /First 4 /Filter /FlateDecode /X << /Y [ <</Z 1>> ] >>",
    ] {
        assert_eq!(with_program(dictionary), Err(Rule::PdfActive), "{dictionary}");
    }
    // So long that it does not end near its stream.
    let long =
        format!("/Type /ObjStm /N 1 /First 4 /Filter /FlateDecode /X ({})", "obj ".repeat(3_000));
    assert_eq!(with_program(&long), Err(Rule::PdfActive));
}

#[test]
fn objects_that_are_packed_in_another_way_are_refused() {
    for dictionary in [
        "/Type /ObjStm /N 1 /First 4 /Filter /FlateDecode /DecodeParms << /Predictor 12 /Columns 1 >>",
        "/Type /ObjStm /N 1 /First 4 /Filter /FlateDecode /DP 7 0 R",
        "/Type /ObjStm /N 1 /First 4 /Filter /FlateDecode /Decode#50arms [ null ]",
        "/Type /ObjStm /N 1 /First 4 /Filter [ /FlateDecode /ASCIIHexDecode ]",
        "/Type /ObjStm /N 1 /First 4 /Filter [ /FlateDecode /FlateDecode ]",
        "/Type /ObjStm /N 1 /First 4 /Filter 7 0 R",
        "/Type /ObjStm /N 1 /First 4 /Filter /LZW",
        // What a text in it calls a stream is none.
        "/Type /ObjStm /N 1 /First 4 /Filter /FlateDecode /X (stream\n)",
    ] {
        assert_eq!(with_program(dictionary), Err(Rule::PdfBroken), "{dictionary}");
    }
}

#[test]
fn objects_that_are_not_packed_are_looked_at_like_others() {
    for objects in ["6 0 << /XFA 7 0 R >>", "6 0 << /S /Rendition /JS (x) >>"] {
        let stream = format!(
            "5 0 obj\n<< /Type /ObjStm /N 1 /First 4 >>\nstream\n{objects}\nendstream\nendobj\n"
        );
        assert_eq!(check_pdf(&pdf_with(stream.as_bytes())), Err(Rule::PdfActive));
    }
}

#[test]
fn a_text_does_not_hide_the_stream_behind_it() {
    let hidden = packed_objects(b"6 0 << /S /JavaScript >>");
    for before in [
        "4 0 obj\n(stream\n)\nendobj\n",
        "4 0 obj\n<< /Length 20 >>\nstream\nendstream 1\nendstream\nendobj\n",
        "4 0 obj\n<< /Length 4 >>\nstream\rq\rQ\rendstream\nendobj\n",
        "4 0 obj\n<< /Length 4 >> stream \nq Q\nendstream\nendobj\n",
        "% ( never closed <<\n",
    ] {
        let document = pdf_with(&[before.as_bytes(), &hidden].concat());
        assert_eq!(check_pdf(&document), Err(Rule::PdfActive), "{before}");
    }
    let flood = b"stream\n".repeat(100_000);
    assert_eq!(
        check_pdf(&pdf_with(&[flood.as_slice(), b"endstream\n"].concat())),
        Err(Rule::PdfBroken)
    );
}

#[test]
fn honest_documents_are_taken() {
    let packed = packed_objects(b"6 0 << /Type /Annot /Subtype /Text >>");
    let references = packed_as(
        "/Type /XRef /W [1 2 1] /Filter /FlateDecode /DecodeParms << /Predictor 12 >>",
        b"",
    );
    let colours = packed_as("/N 3 /Alternate /DeviceRGB /Filter /DCTDecode", b"");
    let contents = b"7 0 obj\n<< /Type /Outlines /First 8 0 R /Last 8 0 R >>\nendobj\n\
                     8 0 obj\n<< /Title (The stream of people \\( <<) >>\nendobj\n";
    let picture = b"9 0 obj\n<< /Filter [ /ASCII85Decode /DCTDecode ] >>\nstream\r\n/JS \r\nendstream\nendobj\n";
    let all = [contents.as_slice(), &colours, picture, &packed, &references].concat();
    assert_eq!(check_pdf(&pdf_with(&all)), Ok(()));
}
