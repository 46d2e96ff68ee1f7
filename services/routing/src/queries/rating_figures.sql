-- How the replies of offices ($1) were rated: of all how many, and of each office's first final ratings in
-- whole groups of $2 the sums and how many have each label. The groups of each are its own, in the order in
-- which they became final: so neither a later moment nor another set of offices tells of fewer than a group.
-- The labels follow domain/rating.rs.
with given as (
    select reply_id, office_id from replies where office_id = any($1::text[])
), rated as (
    select resolution, attitude, speed, resolution + attitude + speed as total, final_at is not null as final,
           row_number() over (partition by office_id order by final_at, reply_id) as place,
           count(final_at) over (partition by office_id) as finals
    from ratings join given using (reply_id)
), counted as (
    select * from rated where final and place <= finals - finals % $2::bigint
)
select (select count(*) from given) as "replies!",
       (select count(*) from rated) as "rated!",
       count(*) as "counted!",
       coalesce(sum(resolution), 0) as "resolution!",
       coalesce(sum(attitude), 0) as "attitude!",
       coalesce(sum(speed), 0) as "speed!",
       count(*) filter (where total >= 13) as "label_1!",
       count(*) filter (where total between 10 and 12) as "label_2!",
       count(*) filter (where total between 7 and 9) as "label_3!",
       count(*) filter (where total between 4 and 6) as "label_4!",
       count(*) filter (where total < 4) as "label_5!"
from counted
