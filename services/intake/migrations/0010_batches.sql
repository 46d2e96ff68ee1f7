-- What the one statement that stores a batch of messages needs.

-- Authors by the blind indices of their phones. Always by the index: a plan that was made while the table was
-- small would read the whole of it until statistics are taken again.
create function authors_by_phone(phones bytea[])
    returns table (author_id uuid, phone_index bytea, wrapped_key bytea)
    language plpgsql stable set enable_seqscan = off as $$
begin
    return query
    select known.author_id, known.phone_index, known.wrapped_key
    from authors as known where known.phone_index = any(phones);
end $$;

-- Fails a statement that took something to be new which was there before, and with it all that it did.
create function only_if_new(new boolean) returns boolean
    language plpgsql as $$
begin
    if not new then
        raise exception 'a batch of messages took something to be new that was there before: it is tried again'
            using errcode = 'unique_violation', constraint = 'batch_is_new';
    end if;
    return true;
end $$;
